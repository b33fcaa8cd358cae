"""Every value of the recorded corpus, read by us and compared with what real sbatch made of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from flowbatch.directives.values import (
    array,
    binding,
    constraint,
    count,
    dependency,
    filename,
    gres,
    hostlist,
    licenses,
)
from flowbatch.directives.values.syntax import ValueSyntax
from tests.languages import LANGUAGES

CORPUS = Path(__file__).parents[2] / "data" / "corpus"

Judge = Callable[[str], Any]
Shown = Callable[[str], str]


def _spoken(name: str) -> tuple[Judge, Shown]:
    return LANGUAGES[name].parse, LANGUAGES[name].listed


def _kept(judge: Judge) -> tuple[Judge, Shown]:
    """A text that sbatch lists as it is."""
    return judge, lambda text: text


BY_SBATCH: dict[str, tuple[Judge, Shown]] = {
    **dict.fromkeys(["time", "time-min"], _spoken("time")),
    **dict.fromkeys(["mem", "mem-per-cpu", "mem-per-gpu", "tmp"], _spoken("memory")),
    **dict.fromkeys(
        [
            *("ntasks", "cpus-per-task", "mincpus", "ntasks-per-core", "ntasks-per-gpu", "ntasks-per-socket"),
            *("ntasks-per-node", "tasks-per-node", "cpus-per-gpu", "sockets-per-node", "cores-per-socket"),
            "threads-per-core",
        ],
        _spoken("count"),
    ),
    "core-spec": (lambda text: count.parse(text, 0), lambda text: count.show(count.parse(text, 0))),
    "wait-all-nodes": (lambda text: count.parse(text, 0), lambda text: count.show(count.parse(text, 0))),
    "nodes": _spoken("nodes"),
    "signal": _spoken("signal"),
    "mail-type": _spoken("mail"),
    "export": _spoken("export"),
    "distribution": _spoken("distribution"),
    "cpu-freq": _spoken("cpu-freq"),
    "gpu-bind": _kept(binding.parse_gpu),
    "mem-bind": _spoken("mem-bind"),
    "extra-node-info": _spoken("nodeinfo"),
    "begin": _spoken("begin"),
}
"""What sbatch itself judges and lists: both must be as recorded."""

REFUSALS = {
    "array": (array.parse, "Invalid job array specification"),
    "dependency": (dependency.parse, "Job dependency problem"),
}
"""What only the controller judges, by a sentence of its own: refused exactly where that sentence was said."""

UNREFUSED = {
    "constraint": constraint.parse,
    "licenses": licenses.parse,
    "exclude": hostlist.parse,
    "nodelist": hostlist.parse,
    "output": filename.parse,
    "error": filename.parse,
    "input": filename.parse,
}
"""Where a malformed text and an unknown name are told alike: what is well formed in every known value."""


def records(*options: str) -> Iterator[dict[str, Any]]:
    for line in (CORPUS / "values.jsonl").read_text("utf-8").splitlines():
        record = json.loads(line)
        if record["opt"] in options:
            yield record


def refused(judge: Judge, text: str) -> ValueSyntax | None:
    try:
        judge(text)
    except ValueSyntax as error:
        return error
    return None


@pytest.mark.parametrize("option", BY_SBATCH)
def test_sbatch_lists_the_value_as_recorded(option: str) -> None:
    judge, shown = BY_SBATCH[option]
    seen = list(records(option))
    assert seen
    for record in seen:
        text = record["value"]
        if record["parsed"] and not (option == "begin" and text == "now"):
            assert (text, shown(text)) == (text, record["shown"])
        elif not record["parsed"]:
            assert refused(judge, text), text


@pytest.mark.parametrize("option", ["nodes", "ntasks", "cpus-per-task", "ntasks-per-node"])
def test_refusals_are_in_sbatchs_words(option: str) -> None:
    judge, _ = BY_SBATCH[option]
    ending = "" if option == "nodes" else f" for --{option}."
    for record in records(option):
        if not record["parsed"]:
            error = refused(judge, record["value"])
            assert error and f"sbatch: error: {error.message}{ending}" in record["messages"]


@pytest.mark.parametrize("option", REFUSALS)
def test_the_controllers_refusals_are_ours(option: str) -> None:
    judge, sentence = REFUSALS[option]
    for record in records(option):
        theirs = any(sentence in message for message in record["messages"])
        assert (record["value"], bool(refused(judge, record["value"]))) == (record["value"], theirs)


GRES_FAULTS = {
    "gres": "sbatch: error: Invalid generic resource (gres) specification",
    "mixed": "sbatch: error: Invalid GRES specification (with and without type identification)",
    "tres": "allocation failure: Invalid Trackable RESource (TRES) specification",
}


@pytest.mark.parametrize("option", ["gres", "gpus", "gpus-per-node"])
def test_faults_of_generic_resources_are_told_apart(option: str) -> None:
    judge = gres.parse if option == "gres" else gres.parse_gpus
    for record in records(option):
        said = [fault for fault, sentence in GRES_FAULTS.items() if sentence in record["messages"]]
        error = refused(judge, record["value"])
        unknown_name = any("Failed to locate GRES" in message for message in record["messages"])
        if not unknown_name:
            assert (record["value"], [error.where] if error else []) == (record["value"], said)
        if option == "gres":
            assert gres.listed(record["value"]) == record["shown"]


@pytest.mark.parametrize("option", UNREFUSED)
def test_well_formed_texts_are_read(option: str) -> None:
    accepted = [record["value"] for record in records(option) if record["rc"] == 0]
    for text in accepted:
        assert not refused(UNREFUSED[option], text), text
