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
)
