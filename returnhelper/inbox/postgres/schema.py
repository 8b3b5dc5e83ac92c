"""Tables of the PostgreSQL inbox, one script per schema version, and the statements over them.

``{t}`` is the name of the table; `state` is 0 ready, 1 leased, 2 done, 3 held. Times are by the clock of the server, unless the
parameter ``now`` has another one: the machines of receivers and workers need not agree about the time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from returnhelper.inbox._columns import BYTES, COUNT, HEADERS, HISTORY, KEY, TEXT, TIME, Column, ColumnKind
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

MIGRATIONS: Final[tuple[str, ...]] = (
    """
    CREATE TABLE {t} (
        seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        key text NOT NULL UNIQUE,
        body bytea NOT NULL,
        headers text NOT NULL,
        endpoint text NOT NULL,
        received_at timestamptz NOT NULL,
        action text, category text, version text,
        event_time timestamptz,
        notification_id text,
        ordering_key text,
        sort_time timestamptz NOT NULL,
        state smallint NOT NULL,
        attempts integer NOT NULL DEFAULT 0,
        not_before timestamptz,
        lease text,
        leased_until timestamptz,
        reason text,
        finished_at timestamptz
    );
    CREATE INDEX {t}_ready ON {t} (sort_time, seq) WHERE state = 0;
    -- the database itself guarantees that no ordering key is leased twice
    CREATE UNIQUE INDEX {t}_busy ON {t} (ordering_key) WHERE state = 1 AND ordering_key IS NOT NULL;
    CREATE INDEX {t}_lease ON {t} (leased_until) WHERE state = 1;
    CREATE INDEX {t}_due ON {t} (not_before) WHERE state = 0 AND not_before IS NOT NULL;
    CREATE INDEX {t}_held ON {t} (seq) WHERE state = 3;
    CREATE INDEX {t}_done ON {t} (finished_at) WHERE state = 2;
    """,
    """
    ALTER TABLE {t}
        ADD COLUMN added_at timestamptz,
        ADD COLUMN source smallint NOT NULL DEFAULT 0,
        ADD COLUMN verified_by text,
        ADD COLUMN trace_context text,
        ADD COLUMN handled smallint,
        ADD COLUMN history text;
    """,
)
SCHEMA: Final = len(MIGRATIONS)

# Found wherever the search path leads: a schema that appears later, such as one named like the role, hides nothing.
EXISTS: Final = "SELECT to_regclass($1) IS NOT NULL"
META: Final = """
CREATE TABLE {t}_meta (version integer NOT NULL, since timestamptz NOT NULL)
"""

_TYPES: Final[Mapping[ColumnKind, str]] = {
    TEXT: "text",
    KEY: "text",
    BYTES: "bytea",
    HEADERS: "text",
    TIME: "timestamptz",
    COUNT: "integer",
    HISTORY: "text",
}


def _names(columns: Iterable[Column], prefix: str = "") -> str:
    return ", ".join(prefix + column.name for column in columns)


def _typed(columns: Iterable[Column]) -> str:
    return ", ".join(f"{column.name} {_TYPES.get(column.kind, 'smallint')}" for column in columns)


_ALL: Final = _names(COLUMNS)
_IN_JSON: Final = tuple(column for column in ADDED if column.name != "body")


def _now(parameter: int) -> str:
    # not clock_timestamp(), which may differ from row to row, so that no index can be searched for it
    return f"coalesce(${parameter}::timestamptz, statement_timestamp())"


# what a change sets to something else than the value in its row
_COMPUTED: Final[Mapping[str, str]] = {
    "not_before": f"coalesce(c.not_before, {_now(2)} + c.delay * interval '1 microsecond')",
    "leased_until": f"{_now(2)} + c.lease_time * interval '1 microsecond'",
    "finished_at": f"CASE WHEN c.state = {DONE} THEN {_now(2)} END",
}
_CHANGED: Final = ", ".join(
    f"{column.name} = "
    + (
        _COMPUTED.get(column.name)
        or (f"coalesce(c.{column.name}, u.{column.name})" if column.keeps else f"c.{column.name}")
    )
    for column in CHANGED
)

# $1 the rows, $2 their bodies in the same order, $3 now. Many rows travel as one JSON text: as arrays, one parameter for each column,
# they would cost the client three times as much.
INSERT: Final = f"""
WITH added AS (
    INSERT INTO {{t}} ({_names(_IN_JSON)}, body, sort_time, added_at)
    SELECT {_names(_IN_JSON)}, body, coalesce(event_time, received_at), {_now(3)}
    FROM ROWS FROM (json_to_recordset($1) AS ({_typed(_IN_JSON)}), unnest($2::bytea[]))
        AS rows ({_names(_IN_JSON)}, body)
    ON CONFLICT (key) DO NOTHING RETURNING key, state
)
SELECT key, notified FROM added LEFT JOIN (
    SELECT pg_notify('{{t}}', '') IS NULL AS notified WHERE EXISTS (SELECT 1 FROM added WHERE state = {READY})
) AS notification ON true
"""  # noqa: S608

GET: Final = f"SELECT {_ALL} FROM {{t}} WHERE key = $1"  # noqa: S608

EXPIRE: Final = f"""
UPDATE {{t}} SET state = {READY}, lease = NULL, leased_until = NULL, reason = '{LEASE_EXPIRED}' WHERE seq IN
(SELECT seq FROM {{t}} WHERE state = {LEASED} AND leased_until <= {_now(1)} FOR UPDATE SKIP LOCKED)
"""  # noqa: S608

# $1 now, $2 the limit, $3 the token, $4 the duration of the lease, $5 how far into the ready queue to search. A candidate is the
# first of its ordering key, if no other one of that key is leased. An index that begins with the ordering key would find it
# sooner, and cost each add a page of its own: shipments come in no order.
CLAIM: Final = f"""
WITH queue AS MATERIALIZED (
    SELECT seq, sort_time, ordering_key, not_before FROM {{t}} WHERE state = {READY} ORDER BY sort_time, seq LIMIT $5
), heads AS (
    (SELECT DISTINCT ON (ordering_key) * FROM queue WHERE ordering_key IS NOT NULL ORDER BY ordering_key, sort_time, seq)
    UNION ALL SELECT * FROM queue WHERE ordering_key IS NULL
), candidates AS (
    SELECT r.seq FROM {{t}} AS r JOIN heads AS h ON r.seq = h.seq
    WHERE (h.not_before IS NULL OR h.not_before <= {_now(1)})
        AND NOT EXISTS (SELECT 1 FROM {{t}} AS s WHERE s.state = {LEASED} AND s.ordering_key = h.ordering_key)
        AND r.state = {READY} AND (r.not_before IS NULL OR r.not_before <= {_now(1)})
    ORDER BY r.sort_time, r.seq LIMIT $2 FOR UPDATE OF r SKIP LOCKED
), leased AS (
    UPDATE {{t}} AS u SET state = {LEASED}, attempts = attempts + 1, lease = $3, leased_until = {_now(1)} + $4, not_before = NULL
    FROM candidates WHERE u.seq = candidates.seq RETURNING u.*
)
SELECT {_ALL}, searched FROM (SELECT count(*) AS searched FROM queue) AS depth LEFT JOIN leased ON true
ORDER BY sort_time, seq
"""  # noqa: S608

# $1 the changes, $2 now.
CHANGE: Final = f"""
UPDATE {{t}} AS u SET {_CHANGED}, attempts = attempts - c.refund_attempt
FROM json_to_recordset($1) AS c (key text, token text, refund_attempt integer, delay bigint, lease_time bigint, {_typed(CHANGED)})
WHERE u.key = c.key AND u.lease = c.token AND u.state = {LEASED} RETURNING u.key
"""  # noqa: S608

REQUEUE: Final = f"""
WITH changed AS (
    UPDATE {{t}} SET state = {READY}, attempts = 0, not_before = NULL, reason = NULL, finished_at = NULL
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
        SELECT seq FROM {{t}} WHERE state = {DONE} AND finished_at < $1 LIMIT $3 FOR UPDATE SKIP LOCKED
    ) RETURNING 1
)
SELECT count(*) FROM gone
"""  # noqa: S608

STATS: Final = f"""
SELECT (SELECT count(*) FROM {{t}} WHERE state = {READY}) AS ready,
    (SELECT count(*) FROM {{t}} WHERE state = {LEASED}) AS leased,
    (SELECT count(*) FROM {{t}} WHERE state = {DONE}) AS done,
    (SELECT count(*) FROM {{t}} WHERE state = {HELD}) AS held,
    (SELECT received_at FROM {{t}} WHERE state = {READY} ORDER BY sort_time, seq LIMIT 1) AS oldest_ready_at
"""  # noqa: S608

REMEMBERS_SINCE: Final = "SELECT since FROM {t}_meta"

NOW: Final = "SELECT statement_timestamp()"

BEGIN_MEMORY: Final = f"INSERT INTO {{t}}_meta VALUES ($1, {_now(2)})"  # noqa: S608

DUE: Final = f"""
SELECT least((SELECT min(not_before) FROM {{t}} WHERE state = {READY} AND not_before > {_now(1)}),
             (SELECT min(leased_until) FROM {{t}} WHERE state = {LEASED})) - {_now(1)}
"""  # noqa: S608


def select(state: State | None, *, after: bool, newest_first: bool) -> str:
    """Return the query of `list`; it takes the limit and, with ``after``, the key to begin after."""
    side, order = ("<", "DESC") if newest_first else (">", "ASC")
    where = "true" if state is None else f"state = {STATE_CODES[state]}"
    if after:
        where += f" AND seq {side} (SELECT seq FROM {{t}} WHERE key = $2)"  # noqa: S608
    return f"SELECT {_ALL} FROM {{t}} WHERE {where} ORDER BY seq {order} LIMIT $1"  # noqa: S608
