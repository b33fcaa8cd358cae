"""What `systemctl` answers in an instance: its words, texts and exit codes (systemctl(1))."""

from __future__ import annotations

import asyncio
import fnmatch
import getopt
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from flowbatch.sandbox.machines.inside.manager import Manager, NotFound
from flowbatch.sandbox.machines.inside.service import journal
from flowbatch.sandbox.machines.inside.unitfile import Unit, UnitRefused, full_name, load

NOT_RUNNING, NO_SUCH_UNIT, NOT_INSTALLED = 3, 4, 5
"""Exit codes of LSB, which systemctl keeps to."""

LONG = (
    "now", "no-block", "quiet", "no-pager", "no-legend", "plain", "all", "type=", "state=", "signal=", "kill-who=", "force",
    "full", "lines=", "output=", "property=", "value", "system", "no-reload", "no-wall", "kill-whom=", "job-mode=", "no-ask-password",
)  # fmt: skip


@dataclass
class Answer:
    """What a command prints and how it ends."""

    out: str = ""
    err: str = ""
    code: int = 0
    then: Callable[[], None] | None = field(default=None, repr=False)
    """To be done once the answer is out."""


@dataclass(frozen=True)
class Asked:
    verb: str
    names: list[str]
    options: dict[str, str]

    def has(self, *names: str) -> bool:
        return bool(self.options.keys() & set(names))


async def systemctl(manager: Manager, words: list[str], root: bool, power_off: Callable[[], None]) -> Answer:
    try:
        options, rest = getopt.gnu_getopt(words, "qlat:n:o:p:fs:H:", LONG)
    except getopt.GetoptError as error:
        return Answer(err=f"systemctl: {error}\n", code=1)
    asked = Asked(rest[0] if rest else "list-units", rest[1:], {name.lstrip("-"): value for name, value in options})
    if asked.verb in {"poweroff", "halt", "reboot"}:
        if asked.verb == "reboot":
            return Answer(err="systemctl: an instance of the sandbox is rebooted by the market\n", code=1)
        return Answer(then=power_off) if root else _denied(asked)
    if asked.verb in ASKING:
        return ASKING[asked.verb](manager, asked)
    if asked.verb not in DOING:
        return Answer(err=f"systemctl: {asked.verb} is not known in an instance of the sandbox\n", code=1)
    if not root:
        return _denied(asked)
    answer = Answer()
    for name in map(full_name, asked.names):
        await _one(manager, asked, name, answer)
    return answer


async def _one(manager: Manager, asked: Asked, name: str, answer: Answer) -> None:
    try:
        await DOING[asked.verb](manager, asked, name, answer)
    except NotFound:
        answer.err += f"Failed to {asked.verb} {name}: Unit {name} not found.\n"
        answer.code = NOT_INSTALLED
    except UnitRefused as error:
        answer.err += f"Failed to {asked.verb} {name}: {error}\n"
        answer.code = 1


def _denied(asked: Asked) -> Answer:
    return Answer(err=f"Failed to {asked.verb} {' '.join(asked.names)}: Access denied\n", code=1)


# what changes something


async def _start(manager: Manager, asked: Asked, name: str, answer: Answer) -> None:
    await _started(manager.start(name), asked, name, answer)


async def _restart(manager: Manager, asked: Asked, name: str, answer: Answer) -> None:
    await _started(manager.restart(name), asked, name, answer)


async def _try_restart(manager: Manager, asked: Asked, name: str, answer: Answer) -> None:
    if manager.state(name) in {"active", "activating"}:
        await _restart(manager, asked, name, answer)


async def _started(starting: Awaitable[bool], asked: Asked, name: str, answer: Answer) -> None:
    task = asyncio.ensure_future(starting)
    if asked.has("no-block"):
        await asyncio.wait({task}, timeout=0)
        if not task.done():
            return
    if not await task:
        answer.err += f'Job for {name} failed.\nSee "systemctl status {name}" and "journalctl -u {name}" for details.\n'
        answer.code = 1


async def _stop(manager: Manager, asked: Asked, name: str, answer: Answer) -> None:
    await manager.stop(name)


async def _kill(manager: Manager, asked: Asked, name: str, answer: Answer) -> None:
    said = asked.options.get("signal") or asked.options.get("s") or "SIGTERM"
    try:
        number = signal.Signals(int(said)) if said.isdecimal() else signal.Signals[f"SIG{said.removeprefix('SIG')}"]
    except (KeyError, ValueError):
        raise UnitRefused(f"{said} is no signal") from None
    running = manager.running.get(name)
    if running is None:
        raise NotFound(name)
    running.signal(number)


async def _reset_failed(manager: Manager, asked: Asked, name: str, answer: Answer) -> None:
    if running := manager.running.get(name):
        running.reset()


async def _enable(manager: Manager, asked: Asked, name: str, answer: Answer) -> None:
    unit = load(name)
    if unit is None:
        answer.err += f"Failed to enable unit: Unit file {name} does not exist.\n"
        answer.code = 1
        return
    for link, target in manager.enable(unit):
        answer.err += f"Created symlink {link} → {target}.\n"
    if asked.has("now"):
        await _start(manager, asked, name, answer)


async def _disable(manager: Manager, asked: Asked, name: str, answer: Answer) -> None:
    if load(name) is None:
        answer.err += f"Failed to disable unit: Unit file {name} does not exist.\n"
        answer.code = 1
        return
    for link in manager.disable(name):
        answer.err += f"Removed {link}.\n"
    if asked.has("now"):
        await manager.stop(name)


Doing = Callable[[Manager, Asked, str, Answer], Awaitable[None]]
DOING: dict[str, Doing] = {
    "start": _start, "restart": _restart, "reload-or-restart": _restart, "try-restart": _try_restart, "stop": _stop,
    "kill": _kill, "enable": _enable, "disable": _disable, "reset-failed": _reset_failed,
}  # fmt: skip


# what only tells


def _is_active(manager: Manager, asked: Asked) -> Answer:
    states = [manager.state(full_name(name)) for name in asked.names]
    return _states(asked, states, 0 if "active" in states else NOT_RUNNING)


def _is_failed(manager: Manager, asked: Asked) -> Answer:
    states = [manager.state(full_name(name)) for name in asked.names]
    return _states(asked, states, 0 if "failed" in states else 1)


def _is_enabled(manager: Manager, asked: Asked) -> Answer:
    units = [(name, load(full_name(name))) for name in asked.names]
    states = [manager.enabled(unit) for _, unit in units if unit is not None]
    answer = _states(asked, states, 0 if {"enabled", "static"} & set(states) else 1)
    answer.err = "".join(
        f"Failed to get unit file state for {full_name(name)}: No such file or directory\n"
        for name, unit in units
        if unit is None
    )
    return answer


def _states(asked: Asked, states: list[str], code: int) -> Answer:
    quiet = asked.has("quiet", "q")
    return Answer(out="" if quiet else "".join(f"{state}\n" for state in states), code=code)


def _status(manager: Manager, asked: Asked) -> Answer:
    answer = Answer()
    for name in map(full_name, asked.names):
        running = manager.running.get(name)
        unit = running.unit if running else load(name)
        if unit is None:
            answer.err += f"Unit {name} could not be found.\n"
            answer.code = NO_SUCH_UNIT
            continue
        state, pid = manager.state(name), running.pid if running else None
        answer.out += (
            f"● {name}{_described(unit)}\n     Loaded: loaded ({unit.path or 'transient'}; {manager.enabled(unit)})\n"
        )
        answer.out += f"     Active: {state}\n" + (f"   Main PID: {pid}\n" if pid else "")
        answer.out += "".join(f"{line}\n" for line in _said(name)[-10:])
        if state != "active":
            answer.code = answer.code or NOT_RUNNING
    return answer


def _cat(manager: Manager, asked: Asked) -> Answer:
    answer = Answer()
    for name in map(full_name, asked.names):
        unit = load(name)
        if unit is None or unit.path is None:
            answer.err += f"No files found for {name}.\n"
            answer.code = 1
        else:
            answer.out += f"# {unit.path}\n{unit.path.read_text()}"
    return answer


def _list_units(manager: Manager, asked: Asked) -> Answer:
    kind = asked.options.get("type") or asked.options.get("t") or ""
    rows = [
        f"  {name} loaded {running.state} {'running' if running.pid else 'dead'}{_described(running.unit)}"
        for name, running in sorted(manager.running.items())
        if (running.state != "inactive" or asked.has("all", "a"))
        and name.endswith(kind)
        and _matches(name, asked.names)
    ]
    return _listed(rows, asked, "  UNIT LOAD ACTIVE SUB DESCRIPTION")


def _list_unit_files(manager: Manager, asked: Asked) -> Answer:
    kind = asked.options.get("type") or asked.options.get("t") or ""
    units = [
        unit for name in manager.files() if name.endswith(kind) and _matches(name, asked.names) and (unit := load(name))
    ]
    return _listed([f"{unit.name} {manager.enabled(unit)}" for unit in units], asked, "UNIT FILE STATE")


def _listed(rows: list[str], asked: Asked, title: str) -> Answer:
    lines = rows if asked.has("no-legend") else [title, *rows, "", f"{len(rows)} listed."]
    return Answer(out="".join(f"{line}\n" for line in lines))


def _nothing(manager: Manager, asked: Asked) -> Answer:
    """Files are read whenever a unit starts."""
    return Answer()


def _is_system_running(manager: Manager, asked: Asked) -> Answer:
    failed = any(running.state == "failed" for running in manager.running.values())
    return Answer(out="degraded\n" if failed else "running\n", code=int(failed))


ASKING: dict[str, Callable[[Manager, Asked], Answer]] = {
    "is-active": _is_active, "is-failed": _is_failed, "is-enabled": _is_enabled, "status": _status, "cat": _cat,
    "list-units": _list_units, "list-unit-files": _list_unit_files, "daemon-reload": _nothing, "daemon-reexec": _nothing,
    "is-system-running": _is_system_running,
}  # fmt: skip


def _described(unit: Unit) -> str:
    said = unit.last("Unit", "Description")
    return f" - {said}" if said else ""


def _matches(name: str, patterns: list[str]) -> bool:
    return not patterns or any(fnmatch.fnmatchcase(name, p) or name == full_name(p) for p in patterns)


def _said(name: str) -> list[str]:
    file = journal(name)
    return file.read_text(errors="replace").splitlines() if file.exists() else []
