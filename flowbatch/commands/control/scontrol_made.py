"""`scontrol create` and `scontrol delete`: partitions and reservations."""

from __future__ import annotations

from flowbatch.commands.command_options import Stop
from flowbatch.commands.control.scontrol_options import Asked
from flowbatch.commands.control.scontrol_partitions import create_partition, delete_partition
from flowbatch.commands.control.scontrol_reservations import create_reservation, delete_reservation
from flowbatch.commands.control.scontrol_words import settings_of

LEAST = 3
"""So much of `ReservationName` and of `PartitionName` is enough."""

_MISFORMATTED = (
    "scontrol: error: Misformatted parameter '{}', most options have a parameter after '='.  No reservation created.\n"
)


def _is(word: str, name: str) -> bool:
    return len(word) >= LEAST and name.startswith(word)


async def create(asked: Asked) -> int:
    """Raises Stop."""
    words = asked.words[1:]
    first, equals, _ = words[0].partition("=")
    if _is(first.lower(), "reservationname"):
        stray = next((word for word in words if "=" not in word and not _is(word.lower(), "reservationname")), None)
        if stray is not None:
            raise Stop(1, err=_MISFORMATTED.format(stray))
        settings = list(settings_of(words if equals else words[1:]))
        named = next((one for one in settings if _is(one.key, "reservationname")), None)
        rest = [one for one in settings if one is not named]
        return await create_reservation(asked, named.value if named is not None else "", rest)
    if _is(first.lower(), "partitionname"):
        if not equals:
            raise Stop(1, err=f"scontrol: error: Invalid input: {words[0]}  Request aborted\n")
        named, *rest = settings_of(words)
        return await create_partition(asked, named, rest)
    raise Stop(1, err=f"scontrol: error: Invalid creation entity: {words[0]}\n")


async def delete(asked: Asked) -> int:
    """Raises Stop."""
    words = asked.words[1:]
    first, equals, name = words[0].partition("=")
    if not equals:
        if len(words) == 1:
            raise Stop(1, err="scontrol: error: Proper format is 'delete <ENTITY>=<ID>' or 'delete <ENTITY> <ID>'\n")
        name = words[1]
    if _is(first.lower(), "reservationname"):
        return await delete_reservation(asked, name, words[0])
    if _is(first.lower(), "partitionname"):
        return await delete_partition(asked, name, words[0])
    raise Stop(1, err=f"Invalid deletion entity: {words[0]}\n")
