"""What happened on the market that somebody has to carry out on machines, or may want to know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class _Happening:
    """At an instant, to a bid, concerning these of its instances."""

    at: int
    bid: str
    instances: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Allocated(_Happening):
    """The bid won; its instances are being prepared. A `Boot` for each follows when its machine is ready to be started."""

    kind: Literal["Allocated"] = "Allocated"


@dataclass(frozen=True, slots=True)
class Boot(_Happening):
    """Start this machine (one instance) from its disk, which is empty if it never was up, then say `booted` or `failed` with the same number.
    `number` counts these orders for it, from 1."""

    number: int
    kind: Literal["Boot"] = "Boot"


@dataclass(frozen=True, slots=True)
class Running(_Happening):
    """These machines are up and are charged for from now on."""

    kind: Literal["Running"] = "Running"


@dataclass(frozen=True, slots=True)
class Failed(_Happening):
    """These machines could not be started; they cost nothing. Their disks are kept until they are replaced or their bid ends."""

    kind: Literal["Failed"] = "Failed"


@dataclass(frozen=True, slots=True)
class Replaced(_Happening):
    """These had failed, and others take their place: throw their disks away."""

    kind: Literal["Replaced"] = "Replaced"


@dataclass(frozen=True, slots=True)
class Leaving(_Happening):
    """Outbid: tell these machines that they are stopped at `until`."""

    until: int
    kind: Literal["Leaving"] = "Leaving"


@dataclass(frozen=True, slots=True)
class Kept(_Happening):
    """The notice is withdrawn: tell these machines."""

    kind: Literal["Kept"] = "Kept"


@dataclass(frozen=True, slots=True)
class Lost(_Happening):
    """The notice is over: stop these machines, keep their disks. The bid is open again."""

    kind: Literal["Lost"] = "Lost"


@dataclass(frozen=True, slots=True)
class Paused(_Happening):
    """The bid was paused by its owner: stop these machines, keep their disks."""

    kind: Literal["Paused"] = "Paused"


@dataclass(frozen=True, slots=True)
class Ended(_Happening):
    """The bid is terminated: stop these machines and throw their disks away."""

    kind: Literal["Ended"] = "Ended"


Happening = Allocated | Boot | Running | Failed | Replaced | Leaving | Kept | Lost | Paused | Ended
