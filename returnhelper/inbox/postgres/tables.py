"""Tables of the PostgreSQL inbox, one script per schema version, and the functions and triggers beside them.

``{t}`` is the name of the table; `state` is 0 ready, 1 leased, 2 done, 3 held. A ready record is in one of three places, so that
a claim looks at a bounded number of records, whatever waits:

- *candidates* are what a claim looks through, in the order of their turns;
- *waiting* ones have a `not_before` to come, and become `due`;
- *parked* ones have an older unfinished record of their ordering key in front of them, which `blocks`.

An add makes a candidate. A claim that meets one that cannot run parks it, and what ends a record that blocks makes a candidate of
the first one parked behind it: that is a trigger's work, whoever ends it.

`{t}_counts` has changes of the number of records in each state, whose sum is what there is. Whoever changes records appends to it,
because a row that all of them updated would let them wait for each other. A statement of this layout sets `added_at` or raises
`revision`; a trigger counts for those that do not: processes of the release before, and people.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from returnhelper.inbox._columns import BYTES, COUNT, HEADERS, HISTORY, KEY, TEXT, TIME, Column, ColumnKind
from returnhelper.inbox.store import CHANGED, COLUMNS, DONE, HELD, LEASE_EXPIRED, LEASED, READY

CANDIDATE: Final = f"state = {READY} AND NOT parked AND (not_before IS NULL OR due)"
BEHIND: Final = f"state = {READY} AND (parked OR (not_before IS NOT NULL AND NOT due))"
WAITING: Final = f"state = {READY} AND not_before IS NOT NULL AND NOT due AND NOT parked"

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
    f"""
    ALTER TABLE {{t}}
        ADD COLUMN added_at timestamptz,
        ADD COLUMN source smallint NOT NULL DEFAULT 0,
        ADD COLUMN verified_by text,
        ADD COLUMN trace_context text,
        ADD COLUMN handled smallint,
        ADD COLUMN history text,
        ADD COLUMN due boolean NOT NULL DEFAULT false,
        ADD COLUMN parked boolean NOT NULL DEFAULT false,
        ADD COLUMN blocks boolean NOT NULL DEFAULT false,
        ADD COLUMN revision integer NOT NULL DEFAULT 0;
    DROP INDEX {{t}}_ready, {{t}}_due, {{t}}_held;
    CREATE INDEX {{t}}_candidates ON {{t}} (sort_time, seq) WHERE {CANDIDATE};
    CREATE INDEX {{t}}_waiting ON {{t}} (not_before) WHERE {WAITING};
    CREATE INDEX {{t}}_behind ON {{t}} (sort_time, seq) WHERE {BEHIND};
    CREATE INDEX {{t}}_queues ON {{t}} (ordering_key, sort_time, seq) WHERE {BEHIND} AND ordering_key IS NOT NULL;
    CREATE INDEX {{t}}_states ON {{t}} (state, seq);
    -- what was claimed is left in the index that claims read until the table is vacuumed
    ALTER TABLE {{t}} SET (autovacuum_vacuum_scale_factor = 0.05);
    """,
)

# The functions run with index scans alone: plans are made while the table is small, and used when it is not.
_PLANS: Final = """
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET plan_cache_mode = force_generic_plan
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


def typed(columns: Iterable[Column]) -> str:
    """Return names and types of columns, as `json_to_recordset` takes them."""
    return ", ".join(f"{column.name} {_TYPES.get(column.kind, 'smallint')}" for column in columns)


# A function that returned the type of the table would keep people from dropping it.
_CLAIMED: Final = ", ".join(f"u.{column.name}" for column in COLUMNS) + ", u.sort_time, u.seq"
CLAIMED: Final = typed(COLUMNS) + ", sort_time timestamptz, seq bigint"
_NOTHING: Final = ", ".join("NULL::" + column.partition(" ")[2] for column in CLAIMED.split(", "))

# How many leases end, and how many waits, in one claim; how many candidates it looks at, at once and in all.
_SWEPT: Final = 200
_WINDOW: Final = 500
_SEARCHED: Final = 2000


def _first(of: str, place: str) -> str:
    # not "=", which would let the planner choose the index of all that are behind, whenever most of them are of one ordering key
    return f"""(SELECT sort_time, seq FROM {{t}} WHERE {place} AND ordering_key BETWEEN {of} AND {of}
        ORDER BY ordering_key, sort_time, seq LIMIT 1) AS first"""  # noqa: S608


# Nothing here waits for a lock, except for another claim that has leased the same ordering key: that ends with a unique violation.
# A row without a key at the end says that there is more to search.
_CLAIM: Final = f"""
CREATE OR REPLACE FUNCTION {{t}}_claim(wanted integer, token text, duration interval, moment timestamptz) RETURNS SETOF record {_PLANS} AS $$
DECLARE
    affected integer;
    searched integer := 0;
    size integer := wanted;
    left_over integer;
    seqs bigint[];
    times timestamptz[];
    passed text[] := '{{}}';
    last_time timestamptz := '-infinity';
    last_seq bigint := 0;
BEGIN
    IF EXISTS (SELECT FROM {{t}} WHERE state = {LEASED} AND leased_until <= moment) THEN
        UPDATE {{t}} SET state = {READY}, lease = NULL, leased_until = NULL, reason = '{LEASE_EXPIRED}', revision = revision + 1
        WHERE seq IN (SELECT seq FROM {{t}} WHERE state = {LEASED} AND leased_until <= moment
            ORDER BY leased_until LIMIT {_SWEPT} FOR UPDATE SKIP LOCKED);
        GET DIAGNOSTICS affected = ROW_COUNT;
        INSERT INTO {{t}}_counts VALUES (affected, -affected, 0, 0);
    END IF;
    IF EXISTS (SELECT FROM {{t}} WHERE {WAITING} AND not_before <= moment) THEN
        UPDATE {{t}} SET due = true, revision = revision + 1
        WHERE seq IN (SELECT seq FROM {{t}} WHERE {WAITING} AND not_before <= moment
            ORDER BY not_before LIMIT {_SWEPT} FOR UPDATE SKIP LOCKED);
    END IF;
    LOOP
        -- one statement, because what is seen to be free must be so at one moment
        RETURN QUERY WITH queue AS MATERIALIZED (
            SELECT seq, sort_time, ordering_key, not_before FROM {{t}} WHERE {CANDIDATE} AND (sort_time, seq) > (last_time, last_seq)
            ORDER BY sort_time, seq LIMIT size
        ), heads AS (
            (SELECT DISTINCT ON (ordering_key) * FROM queue WHERE ordering_key IS NOT NULL ORDER BY ordering_key, sort_time, seq)
            UNION ALL SELECT * FROM queue WHERE ordering_key IS NULL
        ), free AS (
            SELECT r.seq FROM {{t}} AS r JOIN heads AS h ON r.seq = h.seq
            WHERE (h.not_before IS NULL OR h.not_before <= moment)
                AND (h.ordering_key IS NULL OR h.ordering_key <> ALL(passed))
                AND (SELECT seq FROM {{t}} AS s WHERE s.state = {LEASED} AND s.ordering_key = h.ordering_key) IS NULL
                AND (SELECT seq FROM {_first("h.ordering_key", BEHIND)}
                    WHERE (first.sort_time, first.seq) < (h.sort_time, h.seq)) IS NULL
                AND r.state = {READY} AND NOT r.parked AND (r.not_before IS NULL OR r.not_before <= moment)
            ORDER BY h.sort_time, h.seq LIMIT wanted FOR UPDATE OF r SKIP LOCKED
        )
        UPDATE {{t}} AS u SET state = {LEASED}, attempts = attempts + 1, lease = token, leased_until = moment + duration,
            not_before = NULL, due = false, parked = false, revision = revision + 1
        FROM free WHERE u.seq = free.seq RETURNING {_CLAIMED};
        GET DIAGNOSTICS affected = ROW_COUNT;
        IF affected > 0 THEN
            INSERT INTO {{t}}_counts VALUES (-affected, affected, 0, 0);
        END IF;
        wanted := wanted - affected;
        EXIT WHEN wanted = 0;
        left_over := size - affected;
        SELECT array_agg(seq), array_agg(sort_time) INTO seqs, times FROM (
            SELECT seq, sort_time FROM {{t}} WHERE {CANDIDATE} AND (sort_time, seq) > (last_time, last_seq)
            ORDER BY sort_time, seq LIMIT left_over
        ) AS candidates;
        EXIT WHEN seqs IS NULL;
        PERFORM {{t}}_park(seqs, moment);
        EXIT WHEN cardinality(seqs) < left_over;
        searched := searched + left_over;
        IF searched >= {_SEARCHED} THEN
            RETURN QUERY SELECT {_NOTHING};
            EXIT;
        END IF;
        -- what somebody else is about to lease keeps its turn before the next ones of its ordering key
        passed := passed || ARRAY(
            SELECT DISTINCT ordering_key FROM {{t}} WHERE seq = ANY(seqs) AND {CANDIDATE} AND ordering_key IS NOT NULL
        );
        last_seq := seqs[left_over];
        last_time := times[left_over];
        size := greatest(wanted, least(size * 4, {_WINDOW}));
    END LOOP;
END $$;
"""  # noqa: S608

# What a record is parked behind is locked until the end of the transaction: it does not end before it is known to block.
_PARK: Final = f"""
CREATE OR REPLACE FUNCTION {{t}}_park(seqs bigint[], moment timestamptz) RETURNS void {_PLANS} AS $$
DECLARE
    blockers bigint[];
    queues text[];
BEGIN
    UPDATE {{t}} SET due = false, revision = revision + 1 WHERE seq IN (
        SELECT seq FROM {{t}} WHERE seq = ANY(seqs) AND state = {READY} AND due AND not_before > moment FOR UPDATE SKIP LOCKED
    );
    WITH heads AS MATERIALIZED (
        SELECT DISTINCT ON (ordering_key) ordering_key, sort_time, seq FROM {{t}}
        WHERE seq = ANY(seqs) AND {CANDIDATE} AND ordering_key IS NOT NULL ORDER BY ordering_key, sort_time, seq
    ), blocked AS MATERIALIZED (
        SELECT h.*, coalesce(
            (SELECT seq FROM {{t}} AS s WHERE s.state = {LEASED} AND s.ordering_key = h.ordering_key),
            (SELECT seq FROM {_first("h.ordering_key", BEHIND)} WHERE (first.sort_time, first.seq) < (h.sort_time, h.seq)),
            h.seq
        ) AS blocker FROM heads AS h
    ), locked AS (
        SELECT b.seq, b.ordering_key FROM blocked AS f JOIN {{t}} AS b ON b.seq = f.blocker
        WHERE b.ordering_key = f.ordering_key
            AND (b.state = {LEASED} OR (b.state = {READY} AND (b.sort_time, b.seq) <= (f.sort_time, f.seq)))
        FOR NO KEY UPDATE OF b SKIP LOCKED
    )
    SELECT array_agg(seq), array_agg(ordering_key) INTO blockers, queues FROM locked;
    WITH behind AS (
        SELECT seq FROM {{t}} WHERE seq = ANY(seqs) AND {CANDIDATE} AND ordering_key = ANY(queues) AND seq <> ALL(blockers)
        FOR UPDATE SKIP LOCKED
    ), parked AS (
        UPDATE {{t}} AS u SET parked = true, revision = revision + 1 FROM behind WHERE u.seq = behind.seq RETURNING u.ordering_key
    )
    UPDATE {{t}} AS u SET blocks = true, revision = revision + 1 WHERE u.seq = ANY(blockers) AND NOT u.blocks
        AND u.ordering_key IN (SELECT ordering_key FROM parked);
END $$;
"""  # noqa: S608

_UNPARK: Final = f"""
CREATE OR REPLACE FUNCTION {{t}}_unpark() RETURNS trigger {_PLANS} AS $$
BEGIN
    UPDATE {{t}} SET parked = false, blocks = true, revision = revision + 1 WHERE seq = (
        SELECT seq FROM {_first("OLD.ordering_key", BEHIND + " AND parked")}
        -- one that waits for its retry still blocks the younger ones
        WHERE NEW.state IS DISTINCT FROM {READY} OR (first.sort_time, first.seq) < (NEW.sort_time, NEW.seq)
    );
    RETURN NULL;
END $$;
"""  # noqa: S608

# what a change sets to something else than the value in its row
_COMPUTED: Final[Mapping[str, str]] = {
    "not_before": "coalesce(c.not_before, moment + c.delay * interval '1 microsecond')",
    "leased_until": "moment + c.lease_time * interval '1 microsecond'",
    "finished_at": f"CASE WHEN c.state = {DONE} THEN moment END",
}


def _new_value(column: Column) -> str:
    kept = f"coalesce(c.{column.name}, u.{column.name})" if column.keeps else f"c.{column.name}"
    return _COMPUTED.get(column.name, kept)


def counted(rows: str) -> str:
    """Return the sum of records in each state, in the order of `{t}_counts`."""
    return ", ".join(f"count(*) FILTER (WHERE {rows}state = {code})" for code in (READY, LEASED, DONE, HELD))


_CHANGE: Final = f"""
CREATE OR REPLACE FUNCTION {{t}}_change(changes json, moment timestamptz) RETURNS SETOF text {_PLANS} AS $$
BEGIN
    RETURN QUERY WITH changed AS (
        UPDATE {{t}} AS u SET {", ".join(f"{column.name} = {_new_value(column)}" for column in CHANGED)},
            attempts = attempts - c.refund_attempt, revision = revision + 1
        FROM json_to_recordset(changes)
            AS c (key text, token text, refund_attempt integer, delay bigint, lease_time bigint, {typed(CHANGED)})
        WHERE u.key = c.key AND u.lease = c.token AND u.state = {LEASED} RETURNING u.key, u.state
    ), counts AS (
        INSERT INTO {{t}}_counts
        SELECT count(*) FILTER (WHERE state = {READY}), count(*) FILTER (WHERE state = {LEASED}) - count(*),
            count(*) FILTER (WHERE state = {DONE}), count(*) FILTER (WHERE state = {HELD})
        FROM changed HAVING count(*) > count(*) FILTER (WHERE state = {LEASED})
    )
    SELECT key FROM changed;
END $$;
"""  # noqa: S608

_RECOUNT: Final = f"""
CREATE OR REPLACE FUNCTION {{t}}_recount() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM {{t}}_counts;
        INSERT INTO {{t}}_counts VALUES (0, 0, 0, 0);
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO {{t}}_counts SELECT {", ".join(f"-count(*) FILTER (WHERE state = {code})" for code in (READY, LEASED, DONE, HELD))}
        FROM gone HAVING count(*) > 0;
    ELSE
        INSERT INTO {{t}}_counts VALUES ({", ".join(f"(NEW.state = {code})::integer" for code in (READY, LEASED, DONE, HELD))});
        IF TG_OP = 'UPDATE' THEN
            INSERT INTO {{t}}_counts VALUES ({", ".join(f"-(OLD.state = {code})::integer" for code in (READY, LEASED, DONE, HELD))});
            IF NEW.state = {READY} AND (NEW.parked OR NEW.due) THEN
                -- who does not know of places returns it to where a claim decides
                UPDATE {{t}} SET parked = false, due = false, revision = revision + 1 WHERE seq = NEW.seq;
            END IF;
        END IF;
    END IF;
    RETURN NULL;
END $$;
"""  # noqa: S608

_TRIGGERS: Final[Mapping[str, str]] = {
    "unpark": f"AFTER UPDATE ON {{t}} FOR EACH ROW WHEN (OLD.blocks AND (OLD.state = {LEASED} AND NEW.state <> {LEASED}"
    f" OR OLD.state = {READY} AND NEW.state > {LEASED})) EXECUTE FUNCTION {{t}}_unpark()",
    "unpark_deleted": f"AFTER DELETE ON {{t}} FOR EACH ROW WHEN (OLD.blocks AND OLD.state <= {LEASED})"
    " EXECUTE FUNCTION {t}_unpark()",
    "count_added": "AFTER INSERT ON {t} FOR EACH ROW WHEN (NEW.added_at IS NULL) EXECUTE FUNCTION {t}_recount()",
    "count_changed": "AFTER UPDATE ON {t} FOR EACH ROW WHEN (NEW.state <> OLD.state AND NEW.revision = OLD.revision)"
    " EXECUTE FUNCTION {t}_recount()",
    "count_deleted": "AFTER DELETE ON {t} REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION {t}_recount()",
    "count_truncated": "AFTER TRUNCATE ON {t} FOR EACH STATEMENT EXECUTE FUNCTION {t}_recount()",
}

# Who may write to the table may write to the counts. The count begins when the triggers keep others from writing.
_COUNTS: Final = f"""
CREATE TABLE IF NOT EXISTS {{t}}_counts (ready bigint NOT NULL, leased bigint NOT NULL, done bigint NOT NULL, held bigint NOT NULL);
DELETE FROM {{t}}_counts;
INSERT INTO {{t}}_counts SELECT {counted("")} FROM {{t}};
DO $$ DECLARE role text; BEGIN
    FOR role IN SELECT DISTINCT CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END
        FROM pg_class, aclexplode(relacl) WHERE oid = '{{t}}'::regclass AND privilege_type = 'INSERT'
    LOOP
        EXECUTE 'GRANT SELECT, INSERT, DELETE ON {{t}}_counts TO ' || role;
    END LOOP;
END $$;
"""  # noqa: S608

PARTS: Final = "".join(
    (
        *(_CLAIM, _PARK, _CHANGE, _UNPARK, _RECOUNT),
        *(
            f"DROP TRIGGER IF EXISTS {{t}}_{name} ON {{t}};\nCREATE TRIGGER {{t}}_{name} {what};\n"
            for name, what in _TRIGGERS.items()
        ),
        _COUNTS,
    )
)
"""What the migrations leave out: a dump of the tables alone lacks it, and it is made again."""
