"""salloc: nodes are held for a command or a shell, which the caller runs where it is."""

from __future__ import annotations

import errno
import os
from dataclasses import replace

from flowbatch.commands.call import Call, CallerFile
from flowbatch.commands.command_options import Stop
from flowbatch.commands.running import alloc_help, allocating
from flowbatch.commands.running.allocating import SALLOC
from flowbatch.commands.submitting.sbatch import surroundings, with_files
from flowbatch.core.ports import QueuePort
from flowbatch.directives import allocation
from flowbatch.directives.allocation import Wish
from flowbatch.directives.diagnosis import DirectiveError
from flowbatch.directives.settings import Help
from flowbatch.node.allocation.plan import Plan

BELL_AFTER_S = 10
"""So long a wait is told of by the terminal's bell, unless --no-bell says otherwise."""


async def main(call: Call, queue: QueuePort) -> int:
    """Waits for the allocation; then the caller is another program, unless nothing is to be run."""
    try:
        wish = await wished(call, queue)
        return await _hold(call, queue, wish)
    except Help as wanted:
        call.out.write(alloc_help.text(wanted.option, queue.cluster))
        return wanted.exit_code
    except DirectiveError as error:
        call.err.write("".join(f"{line}\n" for line in error.said))
        return error.exit_code
    except Stop as stop:
        call.err.write(stop.err)
        return stop.code


async def wished(call: Call, queue: QueuePort) -> Wish:
    """What was asked for. Raises DirectiveError, Help."""
    around = replace(surroundings(call, queue), command="salloc")
    wish, _ = await with_files(call, around, lambda a: allocation.read(call.argv, a, call.environ))
    call.err.write("".join(f"{line}\n" for line in wish.said))
    return wish


async def _hold(call: Call, queue: QueuePort, wish: Wish) -> int:
    asked = allocating.specs(call, wish, SALLOC)
    queue = await allocating.home(call, queue, wish, SALLOC)
    await _check_directory(call, wish.chosen.get("chdir"))
    asked_at = queue.now()
    job_id = await allocating.allocate(call, queue, wish, asked, SALLOC)
    if asked[0].unattended:
        return 0
    cluster = queue.cluster
    plan = Plan(
        job_id, quiet=wish.quiet, bell=_rings(call, wish, queue.now() - asked_at), kill=wish.chosen.get("kill-command"),
        chdir=wish.chosen.get("chdir"), step=cluster.interactive_step_options if cluster.use_interactive_step else None,
    )  # fmt: skip
    call.become((*queue.programs["salloc"], plan.word(), *wish.words))
    return 0


def _rings(call: Call, wish: Wish, waited_s: int) -> bool:
    chosen = wish.chosen
    late = waited_s >= BELL_AFTER_S
    return call.tty[1] and "no-bell" not in chosen and ("bell" in chosen or late)


async def _check_directory(call: Call, path: str | None) -> None:
    """--chdir is where salloc goes itself, before it asks. Raises Stop."""
    if path is None:
        return
    try:
        await call.read(path, 1)
    except CallerFile as error:
        if error.errno == errno.EISDIR:
            return
        why = error.errno
    else:
        why = errno.ENOTDIR
    raise Stop(1, err=SALLOC.error(f"chdir({path}): {os.strerror(why)}"))
