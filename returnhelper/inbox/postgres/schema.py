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
# Many rows travel as one JSON text: as arrays, a parameter for each column, they cost the client three times as much.
_ADDED: Final = (
    "key text, headers text, endpoint text, received_at timestamptz, action text, category text, version text,"
    " event_time timestamptz, notification_id text, ordering_key text, state smallint, reason text,"
    " finished_at timestamptz"
)
_CHANGED: Final = (
    "key text, token text, state smallint, refund_attempt integer, not_before timestamptz, lease text,"
    " leased_until timestamptz, reason text, finished_at timestamptz"
)


def _names(columns: str) -> str:
    return ", ".join(column.split()[0] for column in columns.split(", "))


# $1 the rows, $2 their bodies in the same order
INSERT: Final = f"""
WITH added AS (
    INSERT INTO {{t}} ({_names(_ADDED)}, body, sort_time)
    SELECT {_names(_ADDED)}, body, coalesce(event_time, received_at)
    FROM ROWS FROM (json_to_recordset($1) AS ({_ADDED}), unnest($2::bytea[])) AS rows ({_names(_ADDED)}, body)
    ON CONFLICT (key) DO NOTHING RETURNING key, state
)
SELECT key, bell FROM added LEFT JOIN
(SELECT pg_notify('{{t}}', '') IS NULL AS bell WHERE EXISTS (SELECT 1 FROM added WHERE state = 0)) AS rung ON true
"""  # noqa: S608

SWEEP: Final = """
UPDATE {t} SET state = 0, lease = NULL, leased_until = NULL WHERE seq IN
(SELECT seq FROM {t} WHERE state = 1 AND leased_until <= $1 FOR UPDATE SKIP LOCKED)
"""

# $5 is how far to look: of each ordering key the first in line has its turn, unless one is leased. An index that begins with
# the ordering key would answer that too, and cost each add a page of its own: shipments come in no order.
CLAIM: Final = f"""
WITH line AS MATERIALIZED (
    SELECT seq, sort_time, ordering_key, not_before FROM {{t}} WHERE state = 0 ORDER BY sort_time, seq LIMIT $5
), heads AS (
    (SELECT DISTINCT ON (ordering_key) * FROM line WHERE ordering_key IS NOT NULL ORDER BY ordering_key, sort_time, seq)
    UNION ALL SELECT * FROM line WHERE ordering_key IS NULL
), turns AS (
    SELECT r.seq FROM {{t}} AS r JOIN heads AS h ON r.seq = h.seq
    WHERE (h.not_before IS NULL OR h.not_before <= $1)
        AND NOT EXISTS (SELECT 1 FROM {{t}} AS s WHERE s.state = 1 AND s.ordering_key = h.ordering_key)
        AND r.state = 0 AND (r.not_before IS NULL OR r.not_before <= $1)
    ORDER BY r.sort_time, r.seq LIMIT $2 FOR UPDATE OF r SKIP LOCKED
), leased AS (
    UPDATE {{t}} AS u SET state = 1, attempts = attempts + 1, lease = $3, leased_until = $4, not_before = NULL
    FROM turns WHERE u.seq = turns.seq RETURNING u.*
)
SELECT {COLUMNS}, seen FROM (SELECT count(*) AS seen FROM line) AS looked LEFT JOIN leased ON true
ORDER BY sort_time, seq
"""  # noqa: S608

CHANGE: Final = f"""
UPDATE {{t}} AS u SET state = c.state, attempts = attempts - c.refund_attempt, not_before = c.not_before, lease = c.lease,
    leased_until = c.leased_until, reason = c.reason, finished_at = c.finished_at
FROM json_to_recordset($1) AS c ({_CHANGED})
WHERE u.key = c.key AND u.lease = c.token AND u.state = 1 RETURNING u.key
"""  # noqa: S608

REQUEUE: Final = """
WITH changed AS (
    UPDATE {t} SET state = 0, attempts = 0, not_before = NULL, reason = NULL, finished_at = NULL
    WHERE key = $1 AND state <> 1 RETURNING key
)
SELECT key, pg_notify('{t}', '') FROM changed
"""

PURGE: Final = """
WITH promise AS (UPDATE {t}_meta SET since = greatest(since, $2)), gone AS (
    DELETE FROM {t} WHERE seq IN (SELECT seq FROM {t} WHERE state = 2 AND finished_at < $1 LIMIT $3 FOR UPDATE SKIP LOCKED)
    RETURNING 1
)
SELECT count(*) FROM gone
"""

STATS: Final = """
SELECT (SELECT count(*) FROM {t} WHERE state = 0), (SELECT count(*) FROM {t} WHERE state = 1),
    (SELECT count(*) FROM {t} WHERE state = 2), (SELECT count(*) FROM {t} WHERE state = 3),
    (SELECT received_at FROM {t} WHERE state = 0 ORDER BY sort_time, seq LIMIT 1)
"""

DUE: Final = """
SELECT least((SELECT min(not_before) FROM {t} WHERE state = 0 AND not_before > $1),
             (SELECT min(leased_until) FROM {t} WHERE state = 1))
"""
