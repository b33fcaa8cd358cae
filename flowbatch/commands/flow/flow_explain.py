"""`flow-explain [--json] [--strict] [--waive=NAME ...] -- WORD...`: what becomes of each word; nothing is submitted."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from tabulate import tabulate

from flowbatch.commands.call import Call
from flowbatch.commands.command_options import Stop
from flowbatch.commands.flow.flow_request import Asked, explained, loss_screen, losses, request, target
from flowbatch.commands.flow.flow_results import as_json
from flowbatch.commands.flow.flow_submit import in_our_name, refusal
from flowbatch.commands.submitting import sbatch, sbatch_help
from flowbatch.commands.submitting.sbatch import Understood
from flowbatch.core.events import Refused, WouldStart
from flowbatch.core.ports import QueuePort
from flowbatch.directives.diagnosis import Diagnosis, DirectiveError
from flowbatch.directives.settings import Help

COMMAND = "flow explain"


async def explain(call: Call, queue: QueuePort) -> int:
    """Prints a table or one JSON document; 0 if the job would be accepted."""
    try:
        asked = Asked.of(call.argv)
        understood = await request(call, queue, asked.words)
    except DirectiveError as error:
        return await _fault(call, error.diagnosis, "--json" in call.argv)
    except Help as wanted:
        call.out.write(sbatch_help.text(wanted.option, queue.cluster))
        return wanted.exit_code
    whole = explained((await target(call, queue, understood)).cluster, understood)
    lost = losses(whole, asked.waived) if asked.strict else []
    answer = await _answer(call, queue, understood)
    if asked.json:
        document = {
            "script": understood.found.name,
            **whole.document(),
            "answer": answer,
            "not_waived": [asdict(o) for o in lost],
        }
        call.out.write(as_json(document | {"refused": bool(whole.refused or lost) or not answer["accepted"]}))
    else:
        rows = whole.rows()
        call.out.write((tabulate(rows, tablefmt="plain", disable_numparse=True) if rows else "no directives") + "\n")
        call.out.write(f"\n{answer['says']}\n")
        call.err.write(loss_screen(COMMAND, lost) if lost else "")
    await call.out.drain()
    return 0 if answer["accepted"] and not lost else 1


async def _answer(call: Call, queue: QueuePort, understood: Understood) -> dict[str, Any]:
    """What the queue would say now."""
    try:
        wanted = await sbatch.prepare(call, understood)
    except DirectiveError as error:
        return {"accepted": False, "says": error.diagnosis.screen(COMMAND)}
    try:
        queue = await sbatch.where(call, queue, wanted)
    except Stop as stop:
        return {"accepted": False, "says": in_our_name(COMMAND, stop).rstrip("\n")}
    reply = await sbatch.ask(call, queue, wanted, True)
    match reply:
        case WouldStart():
            return {"accepted": True, "says": sbatch.would_start(call, queue, reply)}
        case Refused():
            return {"accepted": False, "says": refusal(reply, understood.submission.chosen).screen(COMMAND)}
        case _:
            raise TypeError(reply)


async def _fault(call: Call, fault: Diagnosis, json: bool) -> int:
    """A request that cannot be understood."""
    if json:
        says = fault.screen(COMMAND)
        call.out.write(as_json({"refused": True, "error": asdict(fault), "answer": {"accepted": False, "says": says}}))
        await call.out.drain()
    else:
        call.err.write(fault.screen(COMMAND) + "\n")
    return fault.exit_code
