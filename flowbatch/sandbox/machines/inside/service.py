"""One service at work: started, watched, restarted, stopped."""

from __future__ import annotations

import asyncio
import contextlib
import grp
import os
import signal
import time
import uuid
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Literal

from flowbatch.sandbox.machines.inside.children import PATH, Account, Children, signal_group
from flowbatch.sandbox.machines.inside.unitfile import Command, Unit, UnitRefused, command, environment

JOURNAL = Path("/var/log/journal")
NOT_EXECUTED = 203
"""Exit status of a command that could not be executed (systemd.exec(5), EXIT_EXEC)."""

CLEAN_SIGNALS = {-signal.SIGHUP, -signal.SIGINT, -signal.SIGTERM, -signal.SIGPIPE}
WRITING: dict[str, Literal["ab", "wb"]] = {"append": "ab", "file": "ab", "truncate": "wb"}
STOP_S, RESTART_S = 90.0, 0.1
BURST, BURST_S = 5, 10.0
"""More starts than this within that time, and it is not restarted any more."""


class Service:
    """Its state is one of systemd's words: inactive, activating, active, deactivating, failed."""

    def __init__(self, unit: Unit, children: Children) -> None:
        self.unit = unit
        self.state = "inactive"
        self.pid: int | None = None
        self.code = 0
        self.since = time.time()
        self._children = children
        self._stopping = asyncio.Event()
        self._settled = asyncio.Event()
        self._life: asyncio.Task[None] | None = None
        self._starts: list[float] = []
        self._invocation = ""

    @property
    def going(self) -> bool:
        return self._life is not None and not self._life.done()

    async def start(self) -> bool:
        """Whether it started; one that runs to its end (oneshot) has ended well when this returns."""
        if self.state == "active":
            return True
        if not self.going:
            self.unit.check()
            self._stopping.clear()
            self._settled.clear()
            self._starts = []
            self._become("activating")
            self._life = asyncio.create_task(self._live())
        await self._settled.wait()
        return self.state != "failed"

    async def ended(self) -> int:
        """The exit code of its end, once it has come."""
        if self._life is not None:
            await asyncio.wait({self._life})
        return self.code

    async def stop(self) -> None:
        """None of its processes lives, also those that made themselves independent."""
        self._stopping.set()
        if self.pid is not None or self.going:
            self._become("deactivating")
        everyone = self.unit.last("Service", "KillMode", "control-group") == "control-group"
        self._kill(signal.SIGTERM, everyone)
        if self._life is not None:
            limit = self.unit.seconds("Service", "TimeoutStopSec", STOP_S)
            _, late = await asyncio.wait({self._life}, timeout=None if limit == float("inf") else limit)
            if late:
                self._kill(signal.SIGKILL, everyone)
                await asyncio.wait({self._life})
        self._become("inactive")

    def signal(self, number: int) -> None:
        self._kill(number, everyone=True)

    def reset(self) -> None:
        if self.state == "failed":
            self._become("inactive")

    async def _live(self) -> None:
        """From its start to its end, with all restarts."""
        try:
            while True:
                self.code, well = await self._once()
                if self._stopping.is_set() or not self._again(well):
                    break
                self._become("activating")
                with contextlib.suppress(asyncio.TimeoutError):
                    pause = self.unit.seconds("Service", "RestartSec", RESTART_S)
                    await asyncio.wait_for(self._stopping.wait(), pause)
                if self._stopping.is_set():
                    break
        except UnitRefused as error:
            self._note(str(error))
            self.code, well = NOT_EXECUTED, False
        stays = well and self.unit.yes("Service", "RemainAfterExit") and not self._stopping.is_set()
        self._become("active" if stays else "inactive" if well or self._stopping.is_set() else "failed")
        self._settled.set()

    async def _once(self) -> tuple[int, bool]:
        """One start: the exit code of what failed or came last, and whether it counts as success."""
        self._starts.append(time.monotonic())
        self._invocation = uuid.uuid4().hex
        told = environment(self.unit)
        oneshot = self.unit.last("Service", "Type", "simple") == "oneshot"
        before = [command(line, told) for line in self.unit.all("Service", "ExecStartPre")]
        main = [command(line, told) for line in self.unit.all("Service", "ExecStart")]
        for name in self.unit.ignored():
            self._note(f"{name}= is not known in an instance of the sandbox, ignoring")
        for each in [*before, *main]:
            code = await self._run(each, told, settles=not oneshot and each is main[-1])
            if self._stopping.is_set():
                return code, True
            if code and not each.forgiven and not (each in main and self._forgiven(code)):
                return code, False
        return 0, True

    async def _run(self, each: Command, told: dict[str, str], *, settles: bool) -> int:
        ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        account = self._account()
        own = {"PATH": PATH, "LANG": "C.UTF-8", "INVOCATION_ID": self._invocation}
        if self.unit.last("Service", "User"):
            own |= account.environment
        try:
            with self._output("StandardOutput") as out, self._output("StandardError") as errors:
                self.pid = self._children.start(
                    each.words,
                    account,
                    own | told,
                    ended.set_result,
                    cwd=self._directory(account),
                    stdout=out.fileno(),
                    stderr=errors.fileno(),
                )
        except OSError as error:
            self._note(f"{each.words[0]}: {error.strerror}")
            return NOT_EXECUTED
        if settles:
            self._become("active")
            self._settled.set()
        code = await ended
        self.pid = None
        if self.unit.last("Service", "KillMode", "control-group") == "control-group" and settles:
            self._kill(signal.SIGKILL, everyone=True)
        return code

    def _again(self, well: bool) -> bool:
        """Whether `Restart=` and the limit of starts want another one."""
        asked = self.unit.last("Service", "Restart", "no")
        wanted = {
            "no": False, "always": True, "on-success": well, "on-failure": not well,
            "on-abnormal": not well and self.code < 0, "on-abort": not well and self.code < 0,
        }[asked]  # fmt: skip
        burst = self.unit.whole("Unit", "StartLimitBurst", BURST)
        within = self.unit.seconds("Unit", "StartLimitIntervalSec", BURST_S)
        recent = [at for at in self._starts if at > time.monotonic() - within]
        if wanted and within and len(recent) >= burst:
            self._note("start request repeated too quickly")
            return False
        return wanted

    def _forgiven(self, code: int) -> bool:
        """An end by one of these is success for a service that stays (systemd.service(5), SuccessExitStatus=)."""
        clean = {int(word) for word in self.unit.last("Service", "SuccessExitStatus").split() if word.isdigit()}
        return code in clean or (code in CLEAN_SIGNALS and self.unit.last("Service", "Type", "simple") != "oneshot")

    def _account(self) -> Account:
        name, group = self.unit.last("Service", "User", "root"), self.unit.last("Service", "Group")
        try:
            account = Account.named(name)
        except KeyError as error:
            raise UnitRefused(f"User={name} does not exist") from error
        if not group:
            return account
        try:
            return replace(account, gid=int(group) if group.isdecimal() else grp.getgrnam(group).gr_gid)
        except KeyError as error:
            raise UnitRefused(f"Group={group} does not exist") from error

    def _directory(self, account: Account) -> str:
        said = self.unit.last("Service", "WorkingDirectory", "/").removeprefix("-")
        return account.home if said == "~" else said

    def _output(self, key: str) -> BinaryIO:
        """Where it writes: the unit's journal, nothing, or a file by name."""
        said = self.unit.last("Service", key) or self.unit.last("Service", "StandardOutput", "journal")
        how, _, path = said.partition(":")
        if how == "null":
            return open(os.devnull, "wb")
        if how in WRITING:
            return open(path, WRITING[how])
        return open(journal(self.unit.name), "ab")

    def _note(self, text: str) -> None:
        note(self.unit.name, text)

    def _kill(self, number: int, everyone: bool) -> None:
        if everyone:
            for pid in _members(self._invocation):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
        elif self.pid is not None:
            signal_group(self.pid, number)

    def _become(self, state: str) -> None:
        self.state, self.since = state, time.time()


def journal(name: str) -> Path:
    """What the unit has said, as text."""
    JOURNAL.mkdir(parents=True, exist_ok=True)
    return JOURNAL / f"{name}.log"


def note(name: str, text: str) -> None:
    """A line of ours in the unit's journal."""
    with open(journal(name), "a") as file:
        file.write(f"{name}: {text}\n")


def _members(invocation: str) -> list[int]:
    """Every process that came from this start: the variable is inherited, also by those that left their session."""
    mark = f"INVOCATION_ID={invocation}".encode()
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError):
                if mark in Path("/proc", name, "environ").read_bytes().split(b"\0"):
                    found.append(int(name))
    return found
