"""What `systemd-run` answers in an instance: a command as a unit of its own, now or when a timer says so (systemd-run(1))."""

from __future__ import annotations

import getopt
import itertools
import shlex

from flowbatch.sandbox.machines.inside.manager import Manager
from flowbatch.sandbox.machines.inside.systemctl import Answer
from flowbatch.sandbox.machines.inside.unitfile import SERVICE, TIMER, Sections, Unit, UnitRefused

LONG = (
    "unit=", "on-active=", "on-boot=", "on-startup=", "on-unit-active=", "timer-property=", "property=", "uid=", "gid=",
    "setenv=", "working-directory=", "same-dir", "description=", "no-block", "collect", "remain-after-exit", "wait", "quiet",
    "service-type=", "no-ask-password", "system",
)  # fmt: skip
TIMES = {
    "on-active": "OnActiveSec",
    "on-boot": "OnBootSec",
    "on-startup": "OnStartupSec",
    "on-unit-active": "OnUnitActiveSec",
}
SETTINGS = {
    "uid": ("Service", "User"), "gid": ("Service", "Group"), "working-directory": ("Service", "WorkingDirectory"),
    "service-type": ("Service", "Type"), "description": ("Unit", "Description"), "setenv": ("Service", "Environment"),
}  # fmt: skip
SHORT = {
    "p": "property",
    "E": "setenv",
    "d": "same-dir",
    "r": "remain-after-exit",
    "q": "quiet",
    "u": "unit",
    "G": "collect",
}

numbers = itertools.count(1)


async def systemd_run(manager: Manager, words: list[str], root: bool, directory: str) -> Answer:
    if not root:
        return Answer(err="Failed to start transient service unit: Access denied\n", code=1)
    try:
        options, command = getopt.getopt(words, "+p:E:dru:qG", LONG)
    except getopt.GetoptError as error:
        return Answer(err=f"systemd-run: {error}: not known in an instance of the sandbox\n", code=1)
    if not command:
        return Answer(err="systemd-run: command line to execute required\n", code=1)
    said = [(SHORT.get(name.lstrip("-"), name.lstrip("-")), value) for name, value in options]
    given = dict(said)
    stem = given.get("unit", f"run-u{next(numbers)}").removesuffix(SERVICE).removesuffix(TIMER)
    if manager.state(stem + SERVICE) in {"active", "activating"} or manager.state(stem + TIMER) == "active":
        return Answer(err=f"Failed to start transient service unit: Unit {stem}{SERVICE} already exists.\n", code=1)
    service = Unit(stem + SERVICE, None, _service(said, command, directory))
    timer = Unit(stem + TIMER, None, {"Timer": _times(said)})
    try:
        service.check()
        manager.add(service)
        if timer.sections["Timer"]:
            manager.add(timer)
            await manager.start(timer.name)
            note = f"Running timer as unit: {timer.name}\nWill run service as unit: {service.name}\n"
            return Answer(err="" if "quiet" in given else note)
        well = await manager.start(service.name)
        code = await manager.ended(service.name) if "wait" in given else int(not well)
    except UnitRefused as error:
        return Answer(err=f"Failed to start transient service unit: {error}\n", code=1)
    return Answer(err="" if "quiet" in given else f"Running as unit: {service.name}\n", code=code)


def _service(said: list[tuple[str, str]], command: list[str], directory: str) -> Sections:
    line = shlex.join(word.replace("%", "%%").replace("$", "$$") for word in command)
    sections: Sections = {"Unit": {}, "Service": {"ExecStart": [line]}}
    for name, value in said:
        if name in SETTINGS:
            section, key = SETTINGS[name]
            sections[section].setdefault(key, []).append(shlex.quote(value) if name == "setenv" else value)
        elif name == "property":
            key, _, value = value.partition("=")
            sections["Service"].setdefault(key, []).append(value)
        elif name == "same-dir":
            sections["Service"]["WorkingDirectory"] = [directory]
        elif name == "remain-after-exit":
            sections["Service"]["RemainAfterExit"] = ["yes"]
    return sections


def _times(said: list[tuple[str, str]]) -> dict[str, list[str]]:
    times: dict[str, list[str]] = {}
    for name, value in said:
        if name in TIMES:
            times.setdefault(TIMES[name], []).append(value)
        elif name == "timer-property":
            key, _, value = value.partition("=")
            times.setdefault(key, []).append(value)
    return times
