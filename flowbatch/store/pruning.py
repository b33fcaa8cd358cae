"""What the store forgets in the end: lines of the journal that nothing follows from any more, and jobs that were over long ago.

A job goes with its story, its steps and its specification; what it was billed stays (`departed`). The journal's last line stays,
because lines are numbered from it.
"""

from __future__ import annotations

import sqlite3

PIECE = 500
"""So many lines, or jobs, in one transaction at most: nobody waits for more."""

_JOURNAL = (
    "DELETE FROM journal WHERE seq IN (SELECT seq FROM (SELECT seq, at FROM journal ORDER BY seq LIMIT :piece) "
    "WHERE at NOT BETWEEN :before AND (SELECT at FROM journal ORDER BY seq DESC LIMIT 1)) "
    "AND seq <= (SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'performed') "
    "AND seq < (SELECT max(seq) FROM journal)"
)
"""The first lines alone are looked at. One that is later than the last line was written while the clock was ahead: nobody knows how
old it is, and those behind it do not wait for its time."""

_OVER = "SELECT id, spec_id FROM jobs WHERE ended_at < ? AND NOT queued ORDER BY ended_at LIMIT ?"
_OF_A_JOB = (
    "DELETE FROM story WHERE job_id = ?",
    "DELETE FROM steps WHERE job_id = ?",
    "DELETE FROM jobs WHERE id = ?",
)
_SPEC = "DELETE FROM specs WHERE id = ? AND NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.spec_id = specs.id)"


def prune(db: sqlite3.Connection, journal_before: int, jobs_before: int) -> int:
    """Forgets, in the transaction that is open, a piece of what is older than those instants; how many lines and jobs it was."""
    lines = db.execute(_JOURNAL, {"before": journal_before, "piece": PIECE}).rowcount
    over = db.execute(_OVER, (jobs_before, PIECE)).fetchall()
    for statement in _OF_A_JOB:
        db.executemany(statement, ((id,) for id, _ in over))
    db.executemany(_SPEC, ((spec,) for spec in sorted({spec for _, spec in over})))
    return lines + len(over)
