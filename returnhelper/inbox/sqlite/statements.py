"""The statements of the SQLite inbox over its records."""

from __future__ import annotations

from typing import Final

from returnhelper.inbox.store import (
    ADDED,
    CHANGED,
    COLUMNS,
    DONE,
    HELD,
    LEASE_EXPIRED,
    LEASED,
    READY,
    STATE_CODES,
    State,
)

# what is in `place` of a ready record
CANDIDATE: Final = 0
BEHIND: Final = 1
WAITING: Final = 2

_ALL: Final = ", ".join(column.name for column in COLUMNS)
_ADDED: Final = (*(column.name for column in ADDED), "sort_time", "added_at", "place")
_RESTORED: Final = (*(column.name for column in COLUMNS), "sort_time", "place")
_CHANGED: Final = ", ".join(
    f"{column.name} = coalesce(?, {column.name})" if column.keeps else f"{column.name} = ?"
    for column in CHANGED
)


def _insert(columns: tuple[str, ...]) -> str:
    return (
        f"INSERT INTO records ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608
        " ON CONFLICT (key) DO NOTHING"
    )


INSERT: Final = _insert(_ADDED)
RESTORE: Final = _insert(_RESTORED)

GET: Final = f"SELECT {_ALL} FROM records WHERE key = ?"  # noqa: S608

EXPIRE: Final = f"""
UPDATE records SET state = {READY}, place = {CANDIDATE}, lease = NULL, leased_until = NULL, reason = '{LEASE_EXPIRED}'
WHERE state = {LEASED} AND leased_until <= ?
"""  # noqa: S608

ADMIT_DUE: Final = f"""
UPDATE records SET place = {CANDIDATE} WHERE seq IN (
    SELECT seq FROM records INDEXED BY records_waiting
    WHERE state = {READY} AND place = {WAITING} AND not_before <= ? ORDER BY not_before LIMIT ?
)
"""  # noqa: S608

SWEPT: Final = "SELECT (SELECT value FROM meta WHERE name = 'swept_to'), (SELECT max(seq) FROM records)"

_TO_SWEEP: Final = f"seq > ? AND seq <= ? AND state = {READY} AND place IS NULL"

SWEEP: Final = (
    f"UPDATE records SET place = {CANDIDATE} WHERE {_TO_SWEEP}",  # noqa: S608
    "UPDATE meta SET value = value + (SELECT count(*) FROM records WHERE seq > ? AND seq <= ?) WHERE name = 'total'",
    f"""
    UPDATE meta SET value = value + (SELECT count(*) FROM records WHERE seq > ? AND seq <= ? AND state = {HELD})
    WHERE name = 'held'
    """,  # noqa: S608
)
SET_SWEPT: Final = "UPDATE meta SET value = ? WHERE name = 'swept_to'"

# With each record, whether an older one of its ordering key is leased, waits for its time, or is blocked itself.
CANDIDATES: Final = f"""
WITH candidates AS (
    SELECT sort_time, seq, ordering_key, not_before FROM records INDEXED BY records_candidates
    WHERE state = {READY} AND place = {CANDIDATE}
    UNION ALL
    SELECT sort_time, seq, ordering_key, not_before FROM records NOT INDEXED WHERE {_TO_SWEEP}
    ORDER BY sort_time, seq
)
SELECT seq, ordering_key, not_before, ordering_key IS NOT NULL AND (
    EXISTS (SELECT 1 FROM records leased WHERE leased.state = {LEASED} AND leased.ordering_key = candidate.ordering_key)
    OR (candidate.sort_time, candidate.seq) > (
        SELECT sort_time, seq FROM records blocked
        WHERE blocked.state = {READY} AND blocked.place > 0 AND blocked.ordering_key = candidate.ordering_key
        ORDER BY sort_time, seq LIMIT 1
    )
)
FROM candidates candidate
"""  # noqa: S608

LEASE: Final = f"""
UPDATE records SET state = {LEASED}, attempts = attempts + 1, lease = ?, leased_until = ?, not_before = NULL
WHERE seq = ? RETURNING {_ALL}
"""  # noqa: S608

BLOCK: Final = "UPDATE records SET place = ? WHERE seq = ?"

CHANGE: Final = f"""
UPDATE records SET {_CHANGED}, attempts = attempts - ?, place = ? WHERE key = ? AND lease = ? AND state = {LEASED}
"""  # noqa: S608

REQUEUE: Final = f"""
UPDATE records
SET state = {READY}, place = {CANDIDATE}, attempts = 0, not_before = NULL, reason = NULL, finished_at = NULL
WHERE key = ?
"""  # noqa: S608

DISMISS: Final = f"""
UPDATE records SET state = {DONE}, reason = ?, finished_at = ? WHERE key = ? AND state = {HELD}
"""  # noqa: S608

PURGE: Final = f"""
DELETE FROM records WHERE seq IN (SELECT seq FROM records WHERE state = {DONE} AND finished_at < ? LIMIT ?)
"""  # noqa: S608

DUE: Final = f"""
SELECT (SELECT min(not_before) FROM records WHERE state = {READY} AND place = {WAITING}),
       (SELECT min(leased_until) FROM records WHERE state = {LEASED})
"""  # noqa: S608

_SWEPT_TO: Final = "(SELECT value FROM meta WHERE name = 'swept_to')"
_UNSWEPT: Final = f"seq > {_SWEPT_TO}"

_OLDEST_READY: Final = f"""
SELECT received_at FROM records WHERE seq = (
    SELECT seq FROM (
        SELECT sort_time, seq FROM records INDEXED BY records_candidates WHERE state = {READY} AND place = {CANDIDATE}
        UNION ALL
        SELECT sort_time, seq FROM records INDEXED BY records_blocked WHERE state = {READY} AND place > 0
        UNION ALL
        SELECT sort_time, seq FROM records NOT INDEXED WHERE {_UNSWEPT} AND state = {READY} AND place IS NULL
        ORDER BY sort_time, seq LIMIT 1
    )
)
"""  # noqa: S608

STATS: Final = f"""
SELECT (SELECT value FROM meta WHERE name = 'total') + (SELECT count(*) FROM records WHERE {_UNSWEPT}),
       (SELECT count(*) FROM records WHERE state = {LEASED}),
       (SELECT value FROM meta WHERE name = 'done'),
       (SELECT value FROM meta WHERE name = 'held')
     + (SELECT count(*) FROM records NOT INDEXED WHERE {_UNSWEPT} AND state = {HELD}),
       ({_OLDEST_READY})
"""  # noqa: S608


def select(state: State | None, *, after: bool, newest_first: bool) -> str:
    """Return the query of `list`; it takes the limit and, with ``after``, the number of the record to begin after."""
    side, order = ("<", "DESC") if newest_first else (">", "ASC")
    begin = f" AND seq {side} :after" if after else ""
    unswept = f"seq > max(:after, {_SWEPT_TO})" if after and not newest_first else f"{_UNSWEPT}{begin}"
    if state is None:
        found = f"SELECT seq FROM records NOT INDEXED WHERE true{begin}"  # noqa: S608
    elif state is State.READY:
        found = f"""
            SELECT seq FROM records INDEXED BY records_placed WHERE state = {READY} AND place IS NOT NULL{begin}
            UNION ALL
            SELECT seq FROM records NOT INDEXED WHERE {unswept} AND state = {READY} AND place IS NULL
            """  # noqa: S608
    else:
        found = f"""
            SELECT seq FROM records INDEXED BY records_settled
            WHERE state = {STATE_CODES[state]} AND state <> {READY}{begin}
            """  # noqa: S608
    return f"""
        SELECT {_ALL}, seq FROM records WHERE seq IN ({found} ORDER BY seq {order} LIMIT :limit) ORDER BY seq {order}
        """  # noqa: S608
