"""`scontrol update nodename=...`: what an administrator says of nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flowbatch.commands.command_options import Stop
from flowbatch.commands.control.scontrol_options import Asked
from flowbatch.commands.control.scontrol_words import Setting
from flowbatch.core.events import Refused
from flowbatch.core.ruling.wishes import NodeAsked, NodeChange, NodeWord
from flowbatch.slurm import codes, hostlist

KEYS: Mapping[str, tuple[str, int]] = {
    "activefeatures": ("active", 3),
    "availablefeatures": ("features", 3),
    "features": ("features", 1),
    "comment": ("comment", 2),
    "extra": ("extra", 1),
    "gres": ("gres", 1),
    "reason": ("reason", 1),
    "state": ("state", 1),
    "weight": ("weight", 1),
}
"""The fields that can be changed, and how much of each name is enough."""

STATES: Mapping[str, NodeWord] = {
    "DOWN": "DOWN", "DRAIN": "DRAIN", "FAIL": "FAIL", "FUTURE": "FUTURE", "IDLE": "IDLE", "NORESP": "NORESP",
    "RESUME": "RESUME", "UNDRAIN": "UNDRAIN", "POWER_DOWN": "POWER_DOWN", "POWER_DOWN_ASAP": "POWER_DOWN",
    "POWER_DOWN_FORCE": "POWER_DOWN", "POWER_UP": "POWER_UP", "ALLOCATED": "POWER_UP", "MIXED": "POWER_UP",
}  # fmt: skip
"""What `state=` takes, and enough of its beginning. What no node can be told to be here is refused with one word for all."""

ENOUGH = 3

_STATES_SAID = (
    "Valid states are: NoResp DRAIN FAIL FUTURE RESUME POWER_DOWN POWER_UP UNDRAIN\n"
    "Not all states are valid given a node's prior state\n"
)
_UNREASONED = "You must specify a reason when DOWNING or DRAINING a node. Request denied\n"


async def update_nodes(asked: Asked, named: Setting, settings: Sequence[Setting]) -> int:
    """Says it of the nodes that `named` names. Raises Stop."""
    change = _change(settings)
    if change == NodeChange():
        raise Stop(1, err="No changes specified\n")
    if change.state in ("DOWN", "DRAIN", "FAIL") and not change.reason:
        raise Stop(1, err=_UNREASONED)
    owner = asked.call.owner
    event = NodeAsked(asked.queue.now(), owner.uid, owner.name, _names(asked, named.value), change)
    reply = await asked.queue.apply(event)
    if isinstance(reply, Refused):
        raise Stop(1, err=f"slurm_update error: {codes.message(reply.code)}\n{asked.rented}")
    return 0


def _names(asked: Asked, said: str) -> tuple[str, ...]:
    if said.upper() == "ALL":
        return tuple(node.name for node in asked.queue.cluster.nodes)
    try:
        return tuple(hostlist.expand(said)) or ("",)
    except hostlist.InvalidHostlist:
        return (said,)


def _change(settings: Sequence[Setting]) -> NodeChange:
    """Raises Stop for what scontrol does not take."""
    found: dict[str, Any] = {}
    for one in settings:
        key = next(
            (to for name, (to, least) in KEYS.items() if name.startswith(one.key) and len(one.key) >= least), None
        )
        if key is None or one.sign:
            raise Stop(1, err=f"Update of this parameter is not supported: {one.written}\nRequest aborted\n")
        found[key] = _read(key, one)
    return NodeChange(**found)


def _read(key: str, one: Setting) -> object:
    if key == "state":
        word = one.value.upper()
        state = next((to for name, to in STATES.items() if name.startswith(word) and len(word) >= ENOUGH), None)
        if state is None:
            raise Stop(1, err=f"Invalid input: {one.written}\nRequest aborted\n{_STATES_SAID}")
        return state
    if key == "weight":
        if not one.value.isdecimal():
            line = f"scontrol: error: Weight value ({one.value}) is not a valid number\n"
            raise Stop(1, err=f"{line}No changes specified\n")
        return int(one.value)
    if key in ("features", "active"):
        return tuple(word for word in one.value.split(",") if word)
    return one.value.strip("\"'") if key == "reason" else one.value
