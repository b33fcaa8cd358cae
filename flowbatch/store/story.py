"""What happened to a job, in words: one line for each fact that changed its record."""

from __future__ import annotations

from collections.abc import Iterator

from flowbatch.core import events, states
from flowbatch.core.events import Event
from flowbatch.core.jobs import Job
from flowbatch.core.queue import Stepped
from flowbatch.core.states import State


def lines(event: Event, stepped: Stepped) -> Iterator[tuple[int, str]]:
    """(job id, words) for each record that `event` changed; a pass that only found new reasons to wait is no news."""
    waits = isinstance(event, events.Passed)
    for job in stepped.changed.values():
        if not (waits and isinstance(job.state, states.Pending)):
            yield job.id, f"{_fact(event)} -> {_state(job)}"


def _fact(event: Event) -> str:
    match event:
        case events.Submitted():
            return f"submitted by {event.owner.name}"
        case events.CancelAsked():
            return f"cancel asked by uid {event.by}"
        case events.SignalAsked():
            return f"signal {event.signal} asked by uid {event.by}"
        case events.HoldAsked():
            return f"hold asked by uid {event.by}"
        case events.ReleaseAsked():
            return f"release asked by uid {event.by}"
        case events.RequeueAsked():
            return f"requeue asked by uid {event.by}"
        case events.Launched():
            return "launched"
        case events.LaunchFailed():
            return f"launch failed ({event.why})"
        case events.Ended():
            return f"ended {event.exit.code}:{event.exit.signal} ({event.cause})"
        case events.NodeLost():
            return "lost by its node"
        case events.Passed():
            return "scheduled"
        case events.Configured():
            return "cluster configured"
    raise TypeError(event)


def _state(job: Job) -> str:
    state: State = job.state
    match state:
        case states.Pending():
            return f"PENDING ({state.reason})"
        case states.Running():
            return f"RUNNING on {','.join(state.allocation.nodes)}"
        case states.Completing():
            return "COMPLETING"
        case states.Finished():
            return f"{state.ending.outcome} {state.ending.exit.code}:{state.ending.exit.signal}"
    raise TypeError(state)
