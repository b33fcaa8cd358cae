"""Run `#SBATCH` scripts unchanged, on this machine or on rented GPUs."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flowbatch.commands.flow.flow_results import JobStatus as JobStatus
    from flowbatch.errors import FlowError as FlowError
    from flowbatch.sdk.controller import Controller as Controller
    from flowbatch.sdk.jobs import JobHandle as JobHandle
    from flowbatch.sdk.jobs import jobs as jobs
    from flowbatch.sdk.jobs import run as run
    from flowbatch.sdk.jobs import submit as submit

__version__ = "0.1.0"

PUBLIC = {
    "submit": "flowbatch.sdk.jobs",
    "run": "flowbatch.sdk.jobs",
    "jobs": "flowbatch.sdk.jobs",
    "JobHandle": "flowbatch.sdk.jobs",
    "JobStatus": "flowbatch.commands.flow.flow_results",
    "Controller": "flowbatch.sdk.controller",
    "FlowError": "flowbatch.errors",
}
"""The Python API, each name and the module that has it, loaded when first used: the node imports this package too, and
on a rented machine it has neither the sdk nor what that needs (docs/dev/decisions/0006)."""


def __getattr__(name: str) -> object:
    if name not in PUBLIC:
        raise AttributeError(f"module 'flowbatch' has no attribute {name!r}")
    return getattr(import_module(PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *PUBLIC})
