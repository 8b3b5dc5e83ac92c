"""The statements of the PostgreSQL inbox over its tables and functions.

``{t}`` is the name of the table. Times are by the clock of the server, unless the
parameter ``now`` has another one: the machines of receivers and workers need not agree about the time.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from returnhelper.inbox._columns import Column
from returnhelper.inbox.postgres.tables import BEHIND, CANDIDATE, CLAIMED, MIGRATIONS, WAITING, counted, typed
from returnhelper.inbox.store import ADDED, COLUMNS, DONE, HELD, LEASED, READY, STATE_CODES, State

SCHEMA: Final = len(MIGRATIONS)

# Found wherever the search path leads: a schema that appears later, such as one named like the role, hides nothing.
EXISTS: Final = "SELECT to_regclass($1) IS NOT NULL"
IS_COMPLETE: Final = "SELECT to_regclass('{t}_counts') IS NOT NULL AND to_regproc('{t}_change') IS NOT NULL"
META: Final = """
CREATE TABLE {t}_meta (version integer NOT NULL, since timestamptz NOT NULL)
"""


def _names(columns: Iterable[Column], prefix: str = "") -> str:
    return ", ".join(prefix + column.name for column in columns)


_ALL: Final = _names(COLUMNS)
_IN_JSON: Final = tuple(column for column in ADDED if column.name != "body")


def _now(parameter: int) -> str:
    # not clock_timestamp(), which may differ from row to row, so that no index can be searched for it
    return f"coalesce(${parameter}::timestamptz, statement_timestamp())"


# $1 the rows, $2 their bodies in the same order, $3 now, $4 whether to notify. Many rows travel as one JSON text: as arrays, one parameter for each column,
# they would cost the client three times as much.
INSERT: Final = f"""
WITH added AS (
    INSERT INTO {{t}} ({_names(_IN_JSON)}, body, sort_time, added_at)
    SELECT {_names(_IN_JSON)}, body, coalesce(event_time, received_at), {_now(3)}
    FROM ROWS FROM (json_to_recordset($1) AS ({typed(_IN_JSON)}), unnest($2::bytea[]))
        AS rows ({_names(_IN_JSON)}, body)
    ON CONFLICT (key) DO NOTHING RETURNING key, state
), counts AS (
    INSERT INTO {{t}}_counts SELECT {counted("")} FROM added HAVING count(*) > 0
)
SELECT key, notified FROM added LEFT JOIN (
    SELECT pg_notify('{{t}}', '') IS NULL AS notified WHERE $4 AND EXISTS (SELECT FROM added WHERE state = {READY})
) AS notification ON true
"""  # noqa: S608

_RESTORED: Final = tuple(
    column for column in COLUMNS if column.name not in {"body", "lease", "leased_until", "added_at"}
)
RESTORE: Final = f"""
WITH added AS (
    INSERT INTO {{t}} ({_names(_RESTORED)}, added_at, body, sort_time)
    SELECT {_names(_RESTORED)}, coalesce(added_at, {_now(3)}), body, coalesce(event_time, received_at)
    FROM ROWS FROM (
        json_to_recordset($1) AS ({typed(_RESTORED)}, added_at timestamptz), unnest($2::bytea[])
    ) AS rows ({_names(_RESTORED)}, added_at, body)
    ON CONFLICT (key) DO NOTHING RETURNING key, state
), counts AS (
    INSERT INTO {{t}}_counts SELECT {counted("")} FROM added HAVING count(*) > 0
)
SELECT key FROM added
"""  # noqa: S608

REMEMBER: Final = "UPDATE {t}_meta SET since = least(since, $1) RETURNING since"

GET: Final = f"SELECT {_ALL} FROM {{t}} WHERE key = $1"  # noqa: S608

CLAIM: Final = f"SELECT {_ALL} FROM {{t}}_claim($1, $2, $3, {_now(4)}) AS ({CLAIMED}) ORDER BY sort_time, seq"  # noqa: S608

CHANGE: Final = f"SELECT * FROM {{t}}_change($1, {_now(2)})"  # noqa: S608

REQUEUE: Final = f"""
WITH changed AS (
    UPDATE {{t}} SET state = {READY}, attempts = 0, not_before = NULL, reason = NULL, finished_at = NULL,
        due = false, parked = false
    WHERE key = $1 AND state <> {LEASED} RETURNING key
)
SELECT key, pg_notify('{{t}}', '') FROM changed
"""  # noqa: S608

DISMISS: Final = f"""
UPDATE {{t}} SET state = {DONE}, reason = $2, finished_at = {_now(3)} WHERE key = $1 AND state = {HELD} RETURNING key
"""  # noqa: S608

PURGE: Final = f"""
WITH remembered AS (UPDATE {{t}}_meta SET since = greatest(since, $2)), gone AS (
    DELETE FROM {{t}} WHERE seq IN (
        SELECT seq FROM {{t}} WHERE state = {DONE} AND finished_at < $1
        ORDER BY finished_at LIMIT $3 FOR UPDATE SKIP LOCKED
    ) RETURNING 1
)
SELECT count(*) FROM gone
"""  # noqa: S608

_OLDEST: Final = "\n        UNION ALL ".join(
    f"(SELECT sort_time, seq, received_at FROM {{t}} WHERE {place} ORDER BY sort_time, seq LIMIT 1)"  # noqa: S608
    for place in (CANDIDATE, BEHIND)
)
STATS: Final = f"""
SELECT sum(ready)::bigint AS ready, sum(leased)::bigint AS leased, sum(done)::bigint AS done, sum(held)::bigint AS held, (
    SELECT received_at FROM (
        {_OLDEST}
    ) AS first ORDER BY sort_time, seq LIMIT 1
) AS oldest_ready_at
FROM {{t}}_counts
"""  # noqa: S608

NOTIFY: Final = "SELECT pg_notify('{t}', '')"

VACUUM: Final = "VACUUM (INDEX_CLEANUP ON, TRUNCATE OFF) {t}"

FOLD: Final = """
WITH folded AS (
    DELETE FROM {t}_counts WHERE ctid = ANY(ARRAY(SELECT ctid FROM {t}_counts FOR UPDATE SKIP LOCKED)) RETURNING *
)
INSERT INTO {t}_counts SELECT sum(ready), sum(leased), sum(done), sum(held) FROM folded HAVING count(*) > 0
"""

REMEMBERS_SINCE: Final = "SELECT since FROM {t}_meta"

NOW: Final = "SELECT statement_timestamp()"

BEGIN_MEMORY: Final = f"INSERT INTO {{t}}_meta VALUES ($1, {_now(2)})"  # noqa: S608

DUE: Final = f"""
SELECT least((SELECT min(not_before) FROM {{t}} WHERE {WAITING}),
             (SELECT min(leased_until) FROM {{t}} WHERE state = {LEASED})) - {_now(1)}
"""  # noqa: S608


def select(state: State | None, *, after: bool, newest_first: bool) -> str:
    """Return the query of `list`; it takes the limit and, with ``after``, the key to begin after."""
    side, order = ("<", "DESC") if newest_first else (">", "ASC")
    where = "true" if state is None else f"state = {STATE_CODES[state]}"
    if after:
        where += f" AND seq {side} (SELECT seq FROM {{t}} WHERE key = $2)"  # noqa: S608
    return f"SELECT {_ALL} FROM {{t}} WHERE {where} ORDER BY seq {order} LIMIT $1"  # noqa: S608
