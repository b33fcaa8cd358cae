"""Unit files as systemd.syntax(7) and systemd.service(5) have them, as far as an instance of the sandbox goes along."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

OWN = Path("/etc/systemd/system")
PLACES = (OWN, Path("/run/systemd/system"), Path("/usr/local/lib/systemd/system"), Path("/usr/lib/systemd/system"))
"""In systemd's order: the first that has the file is asked alone."""

SERVICE, TIMER = ".service", ".timer"
TYPES = ("simple", "exec", "oneshot", "idle")
RESTARTS = ("no", "always", "on-success", "on-failure", "on-abnormal", "on-abort")
KNOWN = frozenset({
    "Type", "ExecStart", "ExecStartPre", "Restart", "RestartSec", "Environment", "EnvironmentFile", "WorkingDirectory", "User",
    "Group", "KillMode", "RemainAfterExit", "StandardOutput", "StandardError", "SyslogIdentifier", "TimeoutStopSec",
    "SuccessExitStatus",
})  # fmt: skip
"""Keys of [Service] that are honoured, or that change nothing here. Others are named in the unit's journal."""

TIMER_SPANS = ("OnActiveSec", "OnBootSec", "OnStartupSec", "OnUnitActiveSec")
TIMER_KEYS = frozenset({*TIMER_SPANS, "Unit", "AccuracySec", "RandomizedDelaySec", "Persistent", "RemainAfterElapse"})
SPAN = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)")
SPANS_S = {
    "": 1, "s": 1, "sec": 1, "second": 1, "seconds": 1, "ms": 1e-3, "msec": 1e-3, "us": 1e-6, "usec": 1e-6, "m": 60, "min": 60,
    "minute": 60, "minutes": 60, "h": 3600, "hr": 3600, "hour": 3600, "hours": 3600, "d": 86400, "day": 86400, "days": 86400,
    "w": 604800, "week": 604800, "weeks": 604800,
}  # fmt: skip

Sections = dict[str, dict[str, list[str]]]


class UnitRefused(Exception):
    """The unit cannot be run here; says why."""


@dataclass(frozen=True)
class Unit:
    """One unit as its file says; `text` of a transient one comes from systemd-run."""

    name: str
    path: Path | None
    sections: Sections = field(repr=False)

    def last(self, section: str, key: str, default: str = "") -> str:
        said = self.all(section, key)
        return said[-1] if said else default

    def all(self, section: str, key: str) -> list[str]:
        return [self._specified(value) for value in self.sections.get(section, {}).get(key, [])]

    def seconds(self, section: str, key: str, default: float) -> float:
        said = self.last(section, key)
        return span(said) if said else default

    def yes(self, section: str, key: str) -> bool:
        return self.last(section, key).lower() in {"yes", "true", "1", "on"}

    @property
    def wanted_by(self) -> list[str]:
        return [
            target for key in ("WantedBy", "RequiredBy") for said in self.all("Install", key) for target in said.split()
        ]

    def whole(self, section: str, key: str, default: int) -> int:
        """A number. Raises UnitRefused for what is none."""
        said = self.last(section, key, str(default))
        if not (said.isascii() and said.isdigit()):
            raise UnitRefused(f"{key}={said} is no number")
        return int(said)

    def check(self) -> None:
        """Raises UnitRefused if it asks for what would change its meaning and is not done here, or what cannot be read."""
        if self.name.endswith(TIMER):
            if unknown := self.sections.get("Timer", {}).keys() - TIMER_KEYS:
                raise UnitRefused(f"{', '.join(sorted(unknown))} is not known in an instance of the sandbox")
            for key in TIMER_SPANS:
                for said in self.all("Timer", key):
                    span(said)
            return
        kind, restart = self.last("Service", "Type", "simple"), self.last("Service", "Restart", "no")
        if kind not in TYPES:
            raise UnitRefused(f"Type={kind} is not known in an instance of the sandbox")
        if restart not in RESTARTS:
            raise UnitRefused(f"Restart={restart} is not known in an instance of the sandbox")
        if not self.all("Service", "ExecStart"):
            raise UnitRefused("it has no ExecStart= setting")
        for key in ("TimeoutStopSec", "RestartSec"):
            self.seconds("Service", key, 0)
        self.seconds("Unit", "StartLimitIntervalSec", 0)
        self.whole("Unit", "StartLimitBurst", 0)

    def ignored(self) -> list[str]:
        return sorted(self.sections.get("Service", {}).keys() - KNOWN)

    def _specified(self, value: str) -> str:
        stem = self.name.rpartition(".")[0]
        prefix, _, instance = stem.partition("@")
        known = {
            "n": self.name,
            "N": stem,
            "p": prefix,
            "i": instance,
            "I": instance,
            "H": os.uname().nodename,
            "%": "%",
        }
        return re.sub(r"%(.)", lambda found: known.get(found[1], found[0]), value)


def full_name(name: str) -> str:
    """systemctl takes a name without a suffix for a service."""
    return name if name.endswith((SERVICE, TIMER, ".target", ".socket", ".mount", ".path")) else name + SERVICE


def load(name: str) -> Unit | None:
    """The unit, of its template where it has none of its own; None if there is neither."""
    prefix, at, rest = name.partition("@")
    names = [name, f"{prefix}@.{rest.rpartition('.')[2]}"] if at else [name]
    for file in (place / candidate for candidate in names for place in PLACES):
        if file.is_file():
            return Unit(name, file, parse(file.read_text(errors="replace")))
    return None


def parse(text: str) -> Sections:
    """Section -> key -> all values in order; an empty value forgets those before it."""
    sections: Sections = {}
    section: dict[str, list[str]] = {}
    for line in _joined(text):
        if line.startswith("[") and line.endswith("]"):
            section = sections.setdefault(line[1:-1], {})
        elif "=" in line:
            key, _, value = line.partition("=")
            values = section.setdefault(key.strip(), [])
            if value.strip():
                values.append(value.strip())
            else:
                values.clear()
    return sections


def _joined(text: str) -> Iterator[str]:
    for line in re.sub(r"\\\n", " ", text).splitlines():
        if (line := line.strip()) and not line.startswith(("#", ";")):
            yield line


def span(text: str) -> float:
    """Seconds. Raises UnitRefused for what is no time span (systemd.time(7))."""
    if text == "infinity":
        return float("inf")
    total, at = 0.0, 0
    while at < len(text):
        found = SPAN.match(text, at)
        if not found or found[2] not in SPANS_S:
            raise UnitRefused(f"{text!r} is no time span")
        total, at = total + float(found[1]) * SPANS_S[found[2]], found.end()
    return total


@dataclass(frozen=True)
class Command:
    """One Exec line. `forgiven`: its failure does not count (`-`)."""

    words: tuple[str, ...]
    forgiven: bool


def command(line: str, environment: dict[str, str]) -> Command:
    """`$NAME` alone is split into words, `${NAME}` is put in as it is (systemd.service(5), COMMAND LINES)."""
    prefix = re.match(r"[-@:+!]*", line)
    marks = prefix[0] if prefix else ""
    words: list[str] = []
    for word in _words(line[len(marks) :]):
        if ":" in marks:
            words.append(word)
        elif whole := re.fullmatch(r"\$(\w+)", word):
            words += environment.get(whole[1], "").split()
        else:
            said = re.sub(r"\$\{(\w+)\}", lambda found: environment.get(found[1], ""), word)
            words.append(said.replace("$$", "$"))
    if "@" in marks:
        raise UnitRefused("a command with @ is not known in an instance of the sandbox")
    if not words:
        raise UnitRefused(f"{line!r} names no program")
    return Command(tuple(words), "-" in marks)


def _words(text: str) -> list[str]:
    """Words as a shell splits them. Raises UnitRefused where a quotation has no end."""
    try:
        return shlex.split(text)
    except ValueError:
        raise UnitRefused(f"{text!r} has a quotation without an end") from None


def environment(unit: Unit) -> dict[str, str]:
    """Environment= and EnvironmentFile=, files last, as systemd has it. Raises UnitRefused."""
    pairs = [word for line in unit.all("Service", "Environment") for word in _words(line)]
    for name in unit.all("Service", "EnvironmentFile"):
        try:
            lines = Path(name.removeprefix("-")).read_text(errors="surrogateescape").splitlines()
        except OSError as error:
            if name.startswith("-"):
                continue
            raise UnitRefused(f"{name}: {error.strerror}") from error
        kept = [line.strip() for line in lines if line.strip() and not line.strip().startswith(("#", ";"))]
        pairs += [f"{n.strip()}={' '.join(_words(v))}" for n, _, v in (line.partition("=") for line in kept)]
    return {name: value for name, equals, value in (pair.partition("=") for pair in pairs) if equals}
