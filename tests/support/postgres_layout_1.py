"""The statements of the first layout, as processes of the release before this one still send them during a deploy."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import asyncpg
import msgspec

INSERT: Final = """
WITH added AS (
    INSERT INTO {t} (key, headers, endpoint, received_at, action, category, version, event_time, notification_id, ordering_key, state, reason, finished_at, body, sort_time)
    SELECT key, headers, endpoint, received_at, action, category, version, event_time, notification_id, ordering_key, state, reason, finished_at, body, coalesce(event_time, received_at)
    FROM ROWS FROM (json_to_recordset($1) AS (key text, headers text, endpoint text, received_at timestamptz, action text, category text, version text, event_time timestamptz, notification_id text, ordering_key text, state smallint, reason text, finished_at timestamptz), unnest($2::bytea[]))
        AS rows (key, headers, endpoint, received_at, action, category, version, event_time, notification_id, ordering_key, state, reason, finished_at, body)
    ON CONFLICT (key) DO NOTHING RETURNING key, state
)
SELECT key, notified FROM added LEFT JOIN (
    SELECT pg_notify('{t}', '') IS NULL AS notified WHERE EXISTS (SELECT 1 FROM added WHERE state = 0)
) AS notification ON true
"""
EXPIRE: Final = """
UPDATE {t} SET state = 0, lease = NULL, leased_until = NULL, reason = 'lease expired: the worker died or stalled while handling the record' WHERE seq IN
(SELECT seq FROM {t} WHERE state = 1 AND leased_until <= $1 FOR UPDATE SKIP LOCKED)
"""
CLAIM: Final = """
WITH queue AS MATERIALIZED (
    SELECT seq, sort_time, ordering_key, not_before FROM {t} WHERE state = 0 ORDER BY sort_time, seq LIMIT $5
), heads AS (
    (SELECT DISTINCT ON (ordering_key) * FROM queue WHERE ordering_key IS NOT NULL ORDER BY ordering_key, sort_time, seq)
    UNION ALL SELECT * FROM queue WHERE ordering_key IS NULL
), candidates AS (
    SELECT r.seq FROM {t} AS r JOIN heads AS h ON r.seq = h.seq
    WHERE (h.not_before IS NULL OR h.not_before <= $1)
        AND NOT EXISTS (SELECT 1 FROM {t} AS s WHERE s.state = 1 AND s.ordering_key = h.ordering_key)
        AND r.state = 0 AND (r.not_before IS NULL OR r.not_before <= $1)
    ORDER BY r.sort_time, r.seq LIMIT $2 FOR UPDATE OF r SKIP LOCKED
), leased AS (
    UPDATE {t} AS u SET state = 1, attempts = attempts + 1, lease = $3, leased_until = $4, not_before = NULL
    FROM candidates WHERE u.seq = candidates.seq RETURNING u.*
)
SELECT key, body, headers, endpoint, received_at, action, category, version, event_time, notification_id, ordering_key, state, reason, attempts, not_before, lease, leased_until, finished_at, searched FROM (SELECT count(*) AS searched FROM queue) AS depth LEFT JOIN leased ON true
ORDER BY sort_time, seq
"""
CHANGE: Final = """
UPDATE {t} AS u SET state = c.state, reason = c.reason, not_before = c.not_before, lease = c.lease, leased_until = c.leased_until, finished_at = c.finished_at, attempts = attempts - c.refund_attempt
FROM json_to_recordset($1) AS c (key text, token text, refund_attempt integer, state smallint, reason text, not_before timestamptz, lease text, leased_until timestamptz, finished_at timestamptz)
WHERE u.key = c.key AND u.lease = c.token AND u.state = 1 RETURNING u.key
"""
REQUEUE: Final = """
WITH changed AS (
    UPDATE {t} SET state = 0, attempts = 0, not_before = NULL, reason = NULL, finished_at = NULL
    WHERE key = $1 AND state <> 1 RETURNING key
)
SELECT key, pg_notify('{t}', '') FROM changed
"""
PURGE: Final = """
WITH remembered AS (UPDATE {t}_meta SET since = greatest(since, $2)), gone AS (
    DELETE FROM {t} WHERE seq IN (
        SELECT seq FROM {t} WHERE state = 2 AND finished_at < $1 LIMIT $3 FOR UPDATE SKIP LOCKED
    ) RETURNING 1
)
SELECT count(*) FROM gone
"""


class OldProcess:
    """A process of the release before, beside newer ones: it opened its connection before they came."""

    def __init__(self, db: asyncpg.Connection, table: str) -> None:
        self.db, self.table = db, table

    async def fetch(self, statement: str, *values: object) -> list[asyncpg.Record]:
        return list(await self.db.fetch(statement.replace("{t}", self.table), *values))

    async def add(self, key: str, order: str | None, event_time: datetime) -> bool:
        row = {
            "key": key,
            "headers": "{}",
            "endpoint": "",
            "received_at": event_time.isoformat(),
            "event_time": event_time.isoformat(),
            "ordering_key": order,
            "state": 0,
        }
        return bool(await self.fetch(INSERT, msgspec.json.encode([row]).decode(), [b"{}"]))

    async def claim(self, limit: int, lease: timedelta) -> list[tuple[str, str | None, str]]:
        """Return key, ordering key and token of what is leased now."""
        now = datetime.now(UTC)
        await self.fetch(EXPIRE, now)
        try:
            rows = await self.fetch(CLAIM, now, limit, f"old-{now.timestamp()}", now + lease, limit * 8)
        except asyncpg.UniqueViolationError:
            return []
        return [(row["key"], row["ordering_key"], row["lease"]) for row in rows if row["key"] is not None]

    async def complete(self, key: str, token: str) -> bool:
        return await self.change(key, token, state=2, finished_at=datetime.now(UTC).isoformat())

    async def retry(self, key: str, token: str, delay: timedelta) -> bool:
        return await self.change(key, token, state=0, not_before=(datetime.now(UTC) + delay).isoformat())

    async def change(self, key: str, token: str, **values: object) -> bool:
        row = {"key": key, "token": token, "refund_attempt": 0, **values}
        return bool(await self.fetch(CHANGE, msgspec.json.encode([row]).decode()))
