"""The README and the other pages name only what exists: commands, options, files; its two commands have the shape CI relies on."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from flowbatch.cli.entry import flow
from flowbatch.commands.flow import flow_words
from flowbatch.directives import market
from flowbatch.directives.options import TABLES
from flowbatch.slurm.getopt import Given

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
GENERATED = "<!-- Printed by"

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
_FILE = re.compile(r"\bdocs/[\w/.-]+\.\w+")


def shell_lines(page: Path) -> Iterator[str]:
    for language, block in _BLOCK.findall(page.read_text()):
        if language == "sh":
            yield from (line for line in block.splitlines() if line and not line.startswith("#"))


def flow_calls(page: Path) -> Iterator[list[str]]:
    """The words after `flow`, of each such command in the page's shell blocks."""
    for line in shell_lines(page):
        for command in re.split(r"&&|;|\||\$\(|\)", line.partition(" # ")[0]):
            if re.match(r"\s*(\.venv/bin/)?flow\s", command):
                yield shlex.split(command)[1:]


CALLS = [(page.name, words) for page in PAGES for words in flow_calls(page)]


@pytest.mark.parametrize(
    ("page", "words"), CALLS, ids=lambda value: " ".join(value) if isinstance(value, list) else value
)
def test_every_call_of_flow_is_one(page: str, words: list[str]) -> None:
    context, command = click.Context(flow), flow
    while isinstance(command, click.Group):
        found = command.get_command(context, words[0])
        assert found is not None, f"{page}: flow has no command {words[0]}"
        context, command, words = click.Context(found, parent=context), found, words[1:]  # type: ignore[assignment]  # its own type
    parsed = command.make_context(command.name, list(words))
    if "words" in parsed.params:
        sorted_ = flow_words.sort(parsed.params["words"])
        assert all(one.row.long for one in TABLES["sbatch"].parse("sbatch", sorted_.options) if isinstance(one, Given))
        assert all(isinstance(one, Given) for one in market.TABLE.parse("flow", sorted_.terms))


def test_there_are_calls_to_check() -> None:
    assert len(CALLS) > 20 and {name for name, _ in CALLS} >= {"README.md", "getting-started.md"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_and_files_are_there(page: Path) -> None:
    text = page.read_text()
    assert [link for link in _LINK.findall(text) if not (page.parent / link).exists()] == []
    assert [name for name in _FILE.findall(text) if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("mark", ["the main command", "the test command"])
def test_the_two_commands_are_one_line_each(mark: str) -> None:
    found = re.search(
        rf"^<!-- {mark} -->\n```sh\n(.*?)\n```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL
    )
    assert found is not None and "\n" not in found[1]
    assert found[1].startswith("python3 -m venv .venv && .venv/bin/pip install ")
