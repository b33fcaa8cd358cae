"""Who looks back: what was committed, read by a connection of its own, as much of it as is asked for.

What is asked for often stands in columns beside the record, and `jobs_past` holds them in the order of the ends: a window of time costs
what was not over before it, however few of it are wanted.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from heapq import nlargest
from pathlib import Path
from typing import Any

from flowbatch.core.jobs import Job
from flowbatch.core.past import JobName, Past
from flowbatch.core.steps import Step, StepKey
from flowbatch.spec.job import JobSpec
from flowbatch.store import rows

_RECORD = "SELECT jobs.body, specs.body FROM jobs JOIN specs ON specs.id = jobs.spec_id"
_NEWEST = _RECORD + " WHERE {} ORDER BY jobs.id DESC LIMIT :limit"
_SINCE = f"{_RECORD} WHERE jobs.ended_at >= :since AND {{0}} UNION ALL {_RECORD} WHERE jobs.ended_at IS NULL AND {{0}}"
_NAMED = (
    f"{_RECORD} WHERE jobs.id IN (SELECT value FROM json_each(:ids) "
    "UNION SELECT jobs.id FROM jobs JOIN json_each(:ids) AS named ON jobs.array_id = named.value "
    "UNION SELECT jobs.id FROM json_each(:tasks) AS named JOIN jobs "
    "ON jobs.array_id = json_extract(named.value, '$[0]') AND jobs.task = json_extract(named.value, '$[1]')) "
    "AND coalesce(jobs.ended_at >= :since, 1) AND {0} ORDER BY jobs.id DESC LIMIT :limit"
)
_ONE_OF = "{} IN (SELECT value FROM json_each(:{}))"
_AGAIN = "json_extract(jobs.body, '$.restarts')"
_CONDITIONS = {
    "until": f"(jobs.submitted_at <= :until OR {_AGAIN})",
    "outcomes": _ONE_OF.format("jobs.outcome", "outcomes"),
    "users": _ONE_OF.format("jobs.uid", "users"),
    "eligible_by": f"(json_extract(jobs.body, '$.eligible_at') <= :eligible_by OR {_AGAIN})",
    "groups": _ONE_OF.format("json_extract(jobs.body, '$.owner.gid')", "groups"),
    "accounts": _ONE_OF.format("lower(json_extract(specs.body, '$.account'))", "accounts"),
    "names": _ONE_OF.format("lower(json_extract(specs.body, '$.name'))", "names"),
}
"""What each field of `Past` asks, what the index knows first; `since` is where a query begins."""

_STEPS = "SELECT job_id, restart, number, body FROM steps WHERE {}coalesce(ended_at >= :since, 1) ORDER BY job_id, restart, number"


class Reader:
    """The past of the store at `path`, which exists. Raises sqlite3.Error, as all of its methods do."""

    def __init__(self, path: Path) -> None:
        self.db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self.db.execute("PRAGMA query_only = ON")

    def history(self, named: Sequence[JobName] | None, limit: int, past: Past) -> list[Job]:
        """As `Store.history`."""
        where, words = _where(past)
        words |= {"limit": limit, "since": -1 if past.since is None else past.since}
        if named is not None:
            words |= {"ids": _list(one for one in named if isinstance(one, int))}
            words |= {"tasks": _list(one for one in named if not isinstance(one, int))}
            return list(records(self.db.execute(_NAMED.format(where), words)))
        if past.since is None:
            return list(records(self.db.execute(_NEWEST.format(where), words)))
        return nlargest(limit, records(self.db.execute(_SINCE.format(where), words)), key=lambda job: job.id)

    def steps(self, job_ids: Sequence[int] | None, since: int | None) -> list[tuple[StepKey, Step]]:
        """As `Store.steps`."""
        named = "" if job_ids is None else _ONE_OF.format("job_id", "ids") + " AND "
        words = {"ids": _list(job_ids or ()), "since": -1 if since is None else since}
        return list(steps(self.db.execute(_STEPS.format(named), words)))

    def story(self, job_id: int) -> list[tuple[int, str]]:
        """As `Store.story`."""
        return list(self.db.execute("SELECT at, words FROM story WHERE job_id = ? ORDER BY seq", (job_id,)))

    def close(self) -> None:
        self.db.close()


def records(cursor: sqlite3.Cursor) -> Iterator[Job]:
    """Records with their specs rejoined: those that say the same share one value."""
    specs: dict[str, JobSpec] = {}
    for body, spec in cursor:
        if spec not in specs:
            specs[spec] = rows.spec(spec)
        yield rows.job(body, specs[spec])


def steps(cursor: sqlite3.Cursor) -> Iterator[tuple[StepKey, Step]]:
    return ((StepKey(*key), rows.step(body)) for *key, body in cursor.fetchall())


def _where(past: Past) -> tuple[str, dict[str, Any]]:
    """The condition of all but `since`, and its values by name."""
    asked = {name: value for name in _CONDITIONS if (value := getattr(past, name)) is not None}
    words = {name: _list(value) if isinstance(value, frozenset) else value for name, value in asked.items()}
    return " AND ".join([_CONDITIONS[name] for name in asked] or ["1"]), words


def _list(values: Iterable[object]) -> str:
    """Any number of values as one of SQLite's."""
    return json.dumps(list(values))
