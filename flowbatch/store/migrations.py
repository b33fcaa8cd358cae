"""The schema, as the steps that led to it: `PRAGMA user_version` counts those a file has seen. A step never changes."""

from __future__ import annotations

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

    CREATE TABLE specs (id INTEGER PRIMARY KEY, body TEXT NOT NULL);

    CREATE TABLE payloads (id INTEGER PRIMARY KEY, body BLOB NOT NULL);

    CREATE TABLE jobs (
        id         INTEGER PRIMARY KEY,
        queued     INTEGER NOT NULL,
        array_id   INTEGER,
        spec_id    INTEGER NOT NULL,
        payload_id INTEGER NOT NULL,
        body       TEXT NOT NULL
    );
    CREATE INDEX jobs_queued ON jobs (payload_id) WHERE queued;
    CREATE INDEX jobs_array ON jobs (array_id) WHERE array_id IS NOT NULL;

    CREATE TABLE journal (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, event TEXT NOT NULL, orders TEXT);

    CREATE TABLE story (
        job_id INTEGER NOT NULL,
        seq    INTEGER NOT NULL,
        at     INTEGER NOT NULL,
        words  TEXT NOT NULL,
        PRIMARY KEY (job_id, seq)
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE departed (
        account   TEXT NOT NULL,
        day       INTEGER NOT NULL,
        micro_usd INTEGER NOT NULL,
        PRIMARY KEY (account, day)
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE steps (
        job_id   INTEGER NOT NULL,
        restart  INTEGER NOT NULL,
        number   INTEGER NOT NULL,
        ended_at INTEGER,
        body     TEXT NOT NULL,
        PRIMARY KEY (job_id, restart, number)
    ) WITHOUT ROWID;
    CREATE INDEX steps_running ON steps (job_id) WHERE ended_at IS NULL;
    """,
    """
    CREATE INDEX jobs_ended ON jobs (json_extract(body, '$.state.ended_at'));
    CREATE INDEX jobs_spec ON jobs (spec_id);
    """,
    """
    DROP INDEX jobs_ended;
    DROP INDEX jobs_array;
    ALTER TABLE jobs ADD COLUMN task INTEGER;
    ALTER TABLE jobs ADD COLUMN ended_at INTEGER;
    ALTER TABLE jobs ADD COLUMN submitted_at INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE jobs ADD COLUMN uid INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE jobs ADD COLUMN outcome TEXT;
    ALTER TABLE jobs ADD COLUMN started_at INTEGER;
    ALTER TABLE jobs ADD COLUMN scheduled_by TEXT;
    UPDATE jobs SET
        task         = json_extract(body, '$.array.index'),
        ended_at     = json_extract(body, '$.state.ended_at'),
        submitted_at = json_extract(body, '$.submitted_at'),
        uid          = json_extract(body, '$.owner.uid'),
        outcome      = coalesce(json_extract(body, '$.state.ending.outcome'), json_extract(body, '$.state.then.outcome')),
        started_at   = coalesce(json_extract(body, '$.state.started_at'), json_extract(body, '$.state.was.started_at')),
        scheduled_by = json_extract(body, '$.scheduled_by');
    CREATE INDEX jobs_array ON jobs (array_id, task) WHERE array_id IS NOT NULL;
    CREATE INDEX jobs_past ON jobs (ended_at, submitted_at, uid, outcome, started_at, scheduled_by);
    """,
    # Specifications have the words that asked for a job (`submit_line`), and `meta` what was counted of jobs (`tally`).
    "",
)
