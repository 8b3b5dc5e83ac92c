"""Tables of the PostgreSQL inbox, one script per schema version, and the statements over them.

``{t}`` is the name of the table; `state` is 0 ready, 1 leased, 2 done, 3 held.
"""

from __future__ import annotations

from typing import Final

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
        order_at timestamptz NOT NULL,
        state smallint NOT NULL,
        attempts integer NOT NULL DEFAULT 0,
        not_before timestamptz,
        lease text,
        leased_until timestamptz,
        reason text,
        finished_at timestamptz
    );
    CREATE INDEX {t}_ready ON {t} (order_at, seq) WHERE state = 0;
    CREATE INDEX {t}_turn ON {t} (ordering_key, order_at, seq) WHERE state < 2 AND ordering_key IS NOT NULL;
    -- the guarantee that one ordering key is never leased twice is the database's
    CREATE UNIQUE INDEX {t}_busy ON {t} (ordering_key) WHERE state = 1 AND ordering_key IS NOT NULL;
    CREATE INDEX {t}_lease ON {t} (leased_until) WHERE state = 1;
    CREATE INDEX {t}_due ON {t} (not_before) WHERE state = 0 AND not_before IS NOT NULL;
    CREATE INDEX {t}_held ON {t} (seq) WHERE state = 3;
    CREATE INDEX {t}_done ON {t} (finished_at) WHERE state = 2;
    """,
)
SCHEMA: Final = len(MIGRATIONS)

EXISTS: Final = (
    "SELECT EXISTS (SELECT FROM pg_catalog.pg_tables WHERE schemaname = current_schema() AND tablename = $1)"
)
META: Final = """
CREATE TABLE {t}_meta (version integer NOT NULL, since timestamptz NOT NULL)
"""

COLUMNS: Final = (
    "key, body, headers, endpoint, received_at, action, category, version, event_time, notification_id,"
    " ordering_key, state, attempts, not_before, lease, leased_until, reason, finished_at"
)
# what a new record has: no attempt, no lease
_ADDED: Final = (
    "key, body, headers, endpoint, received_at, action, category, version, event_time, notification_id,"
    " ordering_key, state, reason, finished_at, order_at"
)
_TYPES: Final = "text bytea text text timestamptz text text text timestamptz text text smallint text timestamptz timestamptz"

INSERT: Final = (
    "WITH added AS (INSERT INTO {t} ("  # noqa: S608
    + _ADDED
    + ") SELECT * FROM unnest("
    + ", ".join(f"${number}::{name}[]" for number, name in enumerate(_TYPES.split(), 1))
    + ") ON CONFLICT (key) DO NOTHING RETURNING key, state)"
    " SELECT key, bell FROM added LEFT JOIN"
    " (SELECT pg_notify('{t}', '') IS NULL AS bell WHERE EXISTS (SELECT 1 FROM added WHERE state = 0)) AS rung ON true"
)

SWEEP: Final = """
UPDATE {t} SET state = 0, lease = NULL, leased_until = NULL WHERE seq IN
(SELECT seq FROM {t} WHERE state = 1 AND leased_until <= $1 FOR UPDATE SKIP LOCKED)
"""

CLAIM: Final = (
    """
WITH heads AS (
    SELECT seq FROM {t} AS r
    WHERE state = 0 AND (not_before IS NULL OR not_before <= $1)
    AND (ordering_key IS NULL OR NOT (
        EXISTS (SELECT 1 FROM {t} AS s WHERE s.state = 1 AND s.ordering_key = r.ordering_key)
        OR EXISTS (SELECT 1 FROM {t} AS s WHERE s.state < 2 AND s.ordering_key = r.ordering_key
                   AND (s.order_at, s.seq) < (r.order_at, r.seq))
    ))
    ORDER BY order_at, seq LIMIT $2 FOR UPDATE SKIP LOCKED
), leased AS (
    UPDATE {t} AS u SET state = 1, attempts = attempts + 1, lease = $3, leased_until = $4, not_before = NULL
    FROM heads WHERE u.seq = heads.seq RETURNING u.*
)
SELECT """  # noqa: S608
    + COLUMNS
    + " FROM leased ORDER BY order_at, seq"
)

CHANGE: Final = """
UPDATE {t} AS u SET state = c.state, attempts = attempts - c.uncount, not_before = c.not_before, lease = c.lease,
    leased_until = c.leased_until, reason = c.reason, finished_at = c.finished_at
FROM unnest($1::text[], $2::text[], $3::smallint[], $4::integer[], $5::timestamptz[], $6::text[], $7::timestamptz[],
    $8::text[], $9::timestamptz[])
    AS c (key, token, state, uncount, not_before, lease, leased_until, reason, finished_at)
WHERE u.key = c.key AND u.lease = c.token AND u.state = 1 RETURNING u.key
"""

REQUEUE: Final = """
WITH changed AS (
    UPDATE {t} SET state = 0, attempts = 0, not_before = NULL, reason = NULL, finished_at = NULL
    WHERE key = $1 AND state <> 1 RETURNING key
)
SELECT key, pg_notify('{t}', '') FROM changed
"""

STATS: Final = """
SELECT (SELECT count(*) FROM {t} WHERE state = 0), (SELECT count(*) FROM {t} WHERE state = 1),
    (SELECT count(*) FROM {t} WHERE state = 2), (SELECT count(*) FROM {t} WHERE state = 3),
    (SELECT received_at FROM {t} WHERE state = 0 ORDER BY order_at, seq LIMIT 1)
"""

DUE: Final = """
SELECT least((SELECT min(not_before) FROM {t} WHERE state = 0 AND not_before > $1),
             (SELECT min(leased_until) FROM {t} WHERE state = 1))
"""
