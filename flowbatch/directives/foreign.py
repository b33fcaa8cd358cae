"""#PBS and #BSUB lines: which of their options sbatch understands, and as what.

sbatch reads them after its own directives and lets them win. A letter of theirs becomes one of its options, is known
and ignored, or is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from flowbatch.slurm import hostlist
from flowbatch.slurm.getopt import Arity, OptionRow, Table

Translated = Iterable[tuple[str, str | None]]
"""Options of sbatch, each with its value."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """One foreign language: its getopt table, and what becomes of each letter that is not ignored."""

    table: Table
    meanings: Mapping[str, Callable[[str], Translated]]


class Ignored(Exception):
    """sbatch says in `message` that it ignores this, and goes on."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Wrong(Ignored):
    """sbatch says in `message` that this is an error, and stops."""


def _as(option: str, convert: Callable[[str], str] = str) -> Callable[[str], Translated]:
    return lambda value: [(option, convert(value))]


def _flag(option: str) -> Callable[[str], Translated]:
    return lambda value: [(option, None)]


_MAIL = {"a": "FAIL", "b": "BEGIN", "e": "END", "n": "NONE"}


def _mail(letters: str) -> Translated:
    """`abe` names three moments; `n` none at all."""
    return [("mail-type", ",".join(word for letter, word in _MAIL.items() if letter in letters))]


def _attribute(text: str) -> Translated:
    name, equals, value = text.partition("=")
    if name.lower() == "depend" and equals:
        return [("dependency", value)]
    if name.lower() == "umask" and equals:
        return [("umask", value)] if value and set(value) <= set("01234567") else []
    raise Ignored(f"Ignored PBS attributes: {text}")


_RESOURCES = {
    "cput": "time", "file": "tmp", "mem": "mem", "mppnodes": "nodelist", "ncpus": "mincpus", "nice": "nice",
    "pcput": "time", "proc": "constraint", "walltime": "time",
}  # fmt: skip


def _resources(text: str) -> Translated:
    """`-l`: names and values between commas; `nodes=` and `select=` are small languages of their own."""
    found: list[tuple[str, str | None]] = []
    for resource in text.split(","):
        name, _, value = resource.strip().partition("=")
        if name == "nodes":
            found += _nodes(value)
        elif name == "select":
            found += _select(value)
        elif name == "naccelerators":
            if not value.isdecimal():
                raise Wrong(f'Invalid numeric value "{value}" for naccelerators.')
            found.append(("gres", f"gpu:{value}"))
        elif name == "accelerator" and value.lower() == "true":
            found.append(("gres", "gpu:1"))
        elif name in _RESOURCES:
            found.append((_RESOURCES[name], value))
    return found


def _nodes(text: str) -> Translated:
    """`2:ppn=4:gpus=1` or `n1+n2:ppn=2`: how many nodes or which, and what of each; all counts add up."""
    count = tasks = 0
    hosts: list[str] = []
    gpus: list[tuple[str, str | None]] = []
    for part in text.replace("+", ":").split(":"):
        if part.startswith("ppn="):
            tasks += int(part[4:]) if part[4:].isdecimal() else 0
        elif part.startswith("gpus="):
            gpus = [("gpus-per-node", part[5:])]
        elif part.isdecimal():
            count += int(part)
        elif part:
            hosts.append(part)
    found: list[tuple[str, str | None]] = [("nodes", str(count))] if count else []
    found += [("nodelist", hostlist.fold(hosts))] if hosts else []
    found += [("ntasks", str(tasks * (count or 1)))] if tasks else []
    return [*found, *gpus]


_CHUNK = {"ncpus": "mincpus", "mem": "mem", "mpiprocs": "ntasks-per-node"}


def _select(text: str) -> Translated:
    """`2:ncpus=4:mem=8gb`: so many chunks, each of this size."""
    found: list[tuple[str, str | None]] = []
    for part in text.split(":"):
        name, equals, value = part.partition("=")
        if equals and name in _CHUNK:
            found.append((_CHUNK[name], value))
        elif part.isdecimal():
            found.append(("nodes", part))
    return found


def _rows(*spellings: str) -> Table:
    """One row for each `X long_name`, with an argument where it ends in `=`."""
    rows = []
    for spelling in spellings:
        letter, _, name = spelling.partition(" ")
        arity: Arity = "required" if name.endswith("=") else "none"
        rows.append(OptionRow(letter, name.rstrip("="), letter, arity))
    return Table(rows)


PBS = Dialect(
    _rows(
        "a start_time=", "A account=", "c checkpoint=", "C working_dir=", "e error=", "h hold", "I interactive", "j join=",
        "J job_array=", "k keep=", "l resource_list=", "m mail_options=", "M mail_user_list=", "N job_name=", "o out=",
        "p priority=", "q destination=", "r rerunable=", "S script_path=", "t array=", "u running_user=",
        "v variable_list=", "V all_env", "W attributes=", "z no_std",
    ),
    {
        "a": _as("begin"), "A": _as("account"), "e": _as("error"), "h": _flag("hold"), "J": _as("array"),
        "l": _resources, "m": _mail, "M": _as("mail-user"), "N": _as("job-name"), "o": _as("output"),
        "p": _as("nice"), "q": _as("partition"), "t": _as("array"), "v": _as("export"), "W": _attribute,
    },
)  # fmt: skip


def _tasks(text: str) -> Translated:
    """`4` or `2,4`, the least and the most: the most is asked for."""
    _, comma, most = text.partition(",")
    if comma and not most:
        raise Wrong(f"#BSUB -n format not correct given: '{text}'")
    return [("ntasks", most or text)]


def _kibibytes(text: str) -> str:
    """LSF counts memory in KiB where no unit stands."""
    return f"{text}K" if text.isdecimal() else text


BSUB = Dialect(
    _rows(
        "c cwd=", "e error_file=", "J job_name=", "m hostname=", "M memory_limit=", "n ntasks=", "o output_file=",
        "q queue_name=", "W time=", "x exclusive",
    ),
    {
        "c": _as("chdir"), "e": _as("error"), "J": _as("job-name"), "m": _as("nodelist", lambda v: v.replace(" ", ",")),
        "M": _as("mem-per-cpu", _kibibytes), "n": _tasks, "o": _as("output"), "q": _as("partition"), "W": _as("time"),
        "x": _flag("exclusive"),
    },
)  # fmt: skip

DIALECTS: Mapping[str, Dialect] = {"#PBS": PBS, "#BSUB": BSUB}


def normal_words(kind: str, words: Iterable[str]) -> list[str]:
    """The words as getopt reads them: LSF spells its working directory `-cwd`."""
    return ["-c" if kind == "#BSUB" and word == "-cwd" else word for word in words]
