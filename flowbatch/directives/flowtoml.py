"""flow.toml to `config.Configuration`: clusters, accounts, caps and budgets, in units that people say.

A key that nobody knows, and a value that cannot be understood, end in ConfigError with the file, the line and what to write.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from flowbatch.config import ClusterConfig, Configuration, Module, Modules
from flowbatch.directives import market
from flowbatch.directives.values.syntax import ValueSyntax
from flowbatch.errors import ConfigError
from flowbatch.spec.market import LimitPrice
from flowbatch.spec.policy import Budget, MarketPolicy, PartitionTerms
from flowbatch.units import MINUTE, length

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Path = tuple[str, ...]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_MODULE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+/-]*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HEADER = re.compile(r"\s*\[\s*([^][]+?)\s*\]\s*(?:#.*)?")
_KEY = re.compile(r"""\s*((?:[A-Za-z0-9_.-]|"[^"]*"|'[^']*')+)\s*=""")


class Wrong(ValueError):
    """A value that cannot be understood: what is wrong, and what to write."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.what, self.hint = what, hint


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a table: the field it fills, and how its value is read."""

    name: str
    field: str
    read: Callable[[Any], Any]


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise Wrong("not a text", 'write it in quotes: "..."')
    return value


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (_text(value),)
    if not isinstance(value, list):
        raise Wrong("not a list of texts", 'write ["one", "other"]')
    return tuple(map(_text, value))


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise Wrong("not a whole number above 0", "write 10")
    return value


def _length(value: Any) -> int:
    """Seconds of `90s`, `20m`, `1h30m`, `7d`."""
    seconds = length(value) if isinstance(value, str) else None
    if seconds is None:
        raise Wrong("not a length of time", 'write "90s", "20m", "24h", "7d" or "1h30m"')
    return seconds


def _limit(value: Any) -> int:
    """Seconds of a time limit: jobs have whole minutes, one at least."""
    seconds = _length(value)
    if seconds < MINUTE:
        raise Wrong("less than a minute", 'a time limit is a minute at least: write "1m"')
    return seconds


def _amount(value: Any) -> int:
    """Micro-dollars."""
    return int(_money(value, market.amount))


def _price(value: Any) -> LimitPrice:
    price: LimitPrice = _money(value, market.price)
    return price


def _money(value: Any, read: Callable[[str], Any]) -> Any:
    if not isinstance(value, str):
        raise Wrong("not an amount in quotes", f'write "$2.50"; {market.FORMS}')
    try:
        return read(value)
    except ValueSyntax as error:
        raise Wrong(error.message, error.hint or market.FORMS) from None


def _secret(value: Any) -> SecretStr:
    return SecretStr(_text(value))


def _kind(value: Any) -> str:
    if value not in ("local", "mithril"):
        raise Wrong("no such kind of cluster", 'write "mithril", or "local" for one more queue on this machine')
    return str(value)


def _warn_or_fail(value: Any) -> str:
    if value not in ("warn", "fail"):
        raise Wrong("neither warn nor fail", 'write "warn" (say it once) or "fail" (the job ends)')
    return str(value)


def _variables(value: Any) -> dict[str, str]:
    """Names of environment variables and what they are."""
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        raise Wrong("not variables", 'write { CC = "gcc-12" }')
    for name in value:
        if not _VARIABLE.fullmatch(name):
            raise Wrong(f"{name} is no name of a variable", "letters, digits and _ alone")
    return value


def _folders(value: Any) -> dict[str, tuple[str, ...]]:
    """Path variables and the folders that come first in them."""
    if not isinstance(value, dict):
        raise Wrong("not path variables", 'write { PATH = ["/opt/gcc/bin"] }')
    folders = {name: _texts(said) for name, said in value.items()}
    _variables(dict.fromkeys(folders, ""))
    return folders


CLUSTER = (
    Key("kind", "kind", _kind),
    Key("api_url", "api_url", _text),
    Key("api_key", "api_key", _secret),
    Key("api_key_file", "api_key_file", _text),
    Key("project", "project", _text),
    Key("region", "regions", _texts),
    Key("regions", "regions", _texts),
)
MARKET = (
    Key("default_gpu", "default_gpu", _text),
    Key("other_gpu_hour_cap", "other_gpu_hour_cap", _amount),
    Key("placements", "placements", _count),
    Key("queue_allowance", "queue_allowance_s", _length),
    Key("boot_allowance", "boot_allowance_s", _length),
    Key("boot_estimate", "boot_estimate_s", _length),
    Key("upload_allowance", "upload_allowance_s", _length),
    Key("grace", "grace_s", _length),
    Key("return_allowance", "return_allowance_s", _length),
    Key("default_time", "default_time_s", _limit),
    Key("max_time", "max_time_s", _limit),
    Key("save_reserve", "save_reserve_s", _length),
)
PARTITION = (
    Key("gpu", "gpu", _text),
    Key("instance_type", "instance_type", _text),
    Key("region", "regions", _texts),
    Key("regions", "regions", _texts),
    Key("limit_price", "limit_price", _price),
    Key("account", "account", _text),
)
BUDGET = (Key("total", "ever", _amount), Key("per_day", "day", _amount))
ACCOUNT = (
    Key("limit_price", "limit_price", _price),
    Key("budget", "ever", _amount),
    Key("budget_per_day", "day", _amount),
)
MODULES = (Key("unmapped", "unmapped", _warn_or_fail),)
MODULE = (Key("set", "set", _variables), Key("prepend", "prepend", _folders), Key("image", "image", _text))
CAPS = "gpu_hour_caps"


def parse(text: str, name: str = "flow.toml") -> Configuration:
    """What the file says; `name` is what errors call it. Raises ConfigError."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _syntax(str(error), name) from None
    return _Reader(text, name).configuration(document)


def _syntax(said: str, name: str) -> ConfigError:
    place = re.search(r" \(at line ([0-9]+), column [0-9]+\)$", said)
    where, what = (f":{place[1]}", said[: place.start()]) if place else ("", said)
    return ConfigError(
        f"{name}{where}: {what[:1].lower()}{what[1:]}", hint="the file is TOML: key = value, under [tables]"
    )


class _Reader:
    """One file being read; every error knows its line."""

    def __init__(self, text: str, name: str) -> None:
        self._name = name
        self._lines = dict(reversed(list(_places(text))))

    def configuration(self, document: Mapping[str, Any]) -> Configuration:
        known = ("default", "clusters", "market", "budgets", "accounts", "partitions", "modules")
        self._only_known((), document, known)
        default = document.get("default")
        if default is not None:
            default = self._value(("default",), _text, default)
        modules = self._modules(self._table(("modules",), document.get("modules", {})))
        return Configuration(default, modules, dict(self._clusters(document)), self._policy(document))

    def _clusters(self, document: Mapping[str, Any]) -> Iterator[tuple[str, ClusterConfig]]:
        for name, path, table in self._named("clusters", document):
            one = ClusterConfig(name, **self._fields(path, table, CLUSTER))
            if one.kind == "local" and (wrong := [key for key in table if key != "kind"]):
                raise self._error((*path, wrong[0]), "a queue on this machine has no account", "leave it out")
            if one.api_key is not None and one.api_key_file is not None:
                raise self._error((*path, "api_key_file"), "there is an api_key as well", "leave one of them out")
            yield name, one

    def _modules(self, table: Mapping[str, Any]) -> Modules:
        where = ("modules", "names")
        fields = self._fields(where[:1], table, MODULES, ("names",))
        names = self._table(where, table.get("names", {}))
        for name in names:
            if not _MODULE.fullmatch(name):
                raise self._error((*where, name), "not a module's name", "letters, digits and - _ . + / alone")
        means = {n: Module(**self._fields((*where, n), self._table((*where, n), t), MODULE)) for n, t in names.items()}
        return Modules(**fields, names=means)

    def _policy(self, document: Mapping[str, Any]) -> MarketPolicy:
        table = dict(self._table(("market",), document.get("market", {})))
        caps = table.pop(CAPS, None)
        fields = self._fields(("market",), table, MARKET, (CAPS,))
        if caps is not None:
            fields[CAPS] = self._caps(self._table(("market", CAPS), caps))
        accounts = list(self._accounts(document))
        return MarketPolicy(
            **fields,
            budgets=tuple(self._budgets(document, accounts)),
            account_limit_prices=tuple((n, said["limit_price"]) for n, said in accounts if "limit_price" in said),
            partitions=tuple(
                PartitionTerms(partition=name, **self._fields(path, table, PARTITION))
                for name, path, table in self._named("partitions", document)
            ),
        )

    def _caps(self, said: Mapping[str, Any]) -> tuple[tuple[str, int], ...]:
        """The caps of the file over those that hold by default."""
        caps = dict(MarketPolicy().gpu_hour_caps)
        caps |= {gpu.lower(): self._value(("market", CAPS, gpu), _amount, value) for gpu, value in said.items()}
        return tuple(caps.items())

    def _accounts(self, document: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
        for name, path, table in self._named("accounts", document):
            yield name, self._fields(path, table, ACCOUNT)

    def _budgets(self, document: Mapping[str, Any], accounts: list[tuple[str, dict[str, Any]]]) -> Iterator[Budget]:
        everybody = self._fields(("budgets",), self._table(("budgets",), document.get("budgets", {})), BUDGET)
        said: list[tuple[str | None, dict[str, Any]]] = [(None, everybody), *accounts]
        for account, fields in said:
            if "ever" in fields:
                yield Budget(micro_usd=fields["ever"], account=account)
            if "day" in fields:
                yield Budget(micro_usd=fields["day"], account=account, per="day")

    def _named(self, kind: str, document: Mapping[str, Any]) -> Iterator[tuple[str, Path, Mapping[str, Any]]]:
        """The tables `[KIND.NAME]`."""
        for name, table in self._table((kind,), document.get(kind, {})).items():
            if not _NAME.fullmatch(name):
                raise self._error((kind, name), "not a name", "letters, digits, - _ and .")
            yield name, (kind, name), self._table((kind, name), table)

    def _table(self, path: Path, value: Any) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            raise self._error(path, "not a table", f"write [{'.'.join(path)}] and the keys below it")
        return value

    def _fields(
        self, path: Path, table: Mapping[str, Any], keys: tuple[Key, ...], more: tuple[str, ...] = ()
    ) -> dict[str, Any]:
        self._only_known(path, table, (*(key.name for key in keys), *more))
        return {
            key.field: self._value((*path, key.name), key.read, table[key.name]) for key in keys if key.name in table
        }

    def _only_known(self, path: Path, table: Mapping[str, Any], known: tuple[str, ...]) -> None:
        for key in table:
            if key not in known:
                where = f"[{'.'.join(path)}]" if path else "the file"
                raise self._error((*path, key), "no such key", f"{where} takes {', '.join(known)}")

    def _value(self, path: Path, read: Callable[[Any], Any], value: Any) -> Any:
        try:
            return read(value)
        except Wrong as wrong:
            raise self._error(path, wrong.what, wrong.hint) from None

    def _error(self, path: Path, what: str, hint: str) -> ConfigError:
        """Values are not repeated: one of them may be a key."""
        line = self._lines.get(path)
        return ConfigError(f"{self._name}{f':{line}' if line else ''}: {'.'.join(path)}: {what}", hint=hint)


def _places(text: str) -> Iterator[tuple[Path, int]]:
    """The line of each table's header and of each key; TOML's own reader keeps none."""
    table: Path = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.fullmatch(line):
            table = _dotted(header[1])
            yield table, number
        elif key := _KEY.match(line):
            path = (*table, *_dotted(key[1]))
            yield path, number
            yield from (((*path, inner), number) for inner in re.findall(r"""[{,]\s*["']?([\w.-]+)["']?\s*=""", line))


def _dotted(name: str) -> Path:
    return tuple(part.strip().strip("\"'") for part in re.findall(r"""\s*(?:"[^"]*"|'[^']*'|[^.])+""", name))


def with_values(text: str, values: Mapping[Path, str | tuple[str, ...]]) -> str:
    """The file with these values in it, everything else as it was; for files that can be read. Comments stay."""
    lines = text.splitlines()
    for path, value in values.items():
        said = f"{path[-1]} = {json.dumps(list(value) if isinstance(value, tuple) else value)}"
        places = dict(reversed(list(_places("\n".join(lines)))))
        if path in places:
            lines[places[path] - 1] = said
        elif len(path) == 1:
            lines.insert(0, said)
        elif path[:-1] in places:
            lines.insert(max(line for known, line in places.items() if known[: len(path) - 1] == path[:-1]), said)
        else:
            lines += [*([""] if lines else []), f"[{'.'.join(path[:-1])}]", said]
    return "\n".join(lines) + "\n"
