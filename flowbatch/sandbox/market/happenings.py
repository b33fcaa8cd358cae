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
    """Start this machine (one instance), then say `booted` or `failed` with the same number. `number` is 1 at its first start, when the
    start-up script runs; later it boots from the disk that it had."""

    number: int
    kind: Literal["Boot"] = "Boot"


@dataclass(frozen=True, slots=True)
class Running(_Happening):
    """These machines are up and are charged for from now on."""

    kind: Literal["Running"] = "Running"


@dataclass(frozen=True, slots=True)
class Failed(_Happening):
    """These machines could not be started; they are not charged for, and end with their bid."""

    kind: Literal["Failed"] = "Failed"


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


Happening = Allocated | Boot | Running | Failed | Leaving | Kept | Lost | Paused | Ended
