"""A Toil workflow: one job with two children."""

from toil.common import Toil
from toil.job import Job

SMALL = {"memory": "100M", "cores": 1, "disk": "10M"}


def greet(job: Job, word: str) -> str:
    return f"hello {word}"


def first(job: Job) -> list:
    return [job.addChildJobFn(greet, word, **SMALL).rv() for word in ("a", "b")]


if __name__ == "__main__":
    with Toil(Job.Runner.getDefaultArgumentParser().parse_args()) as toil:
        print("result", toil.start(Job.wrapJobFn(first, **SMALL)))
