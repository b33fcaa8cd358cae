"""The house's rules that import-linter cannot say: sizes, names, and who may touch what."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted(
    [*(ROOT / "flowbatch").rglob("*.py"), *(ROOT / "shims").rglob("*.py"), *(ROOT / "grammar").rglob("*.py")]
)
TABLES = {
    "flowbatch/directives/options.py",
    "flowbatch/slurm/codes.py",
    "flowbatch/slurm/errnos.py",
    "flowbatch/slurm/fields.py",
}
"""Enumerations without logic: these may be long."""

MAY_START_PROCESSES = (
    "flowbatch/node/",
    "flowbatch/controller/lifecycle.py",
    "flowbatch/controller/mail.py",
    "flowbatch/sandbox/machines/",
    "flowbatch/sdk/compiling.py",
    "flowbatch/sdk/sandbox.py",
    "flowbatch/sdk/ssh.py",
)
MAY_CHANGE_STATE = "flowbatch/core/transitions.py"


def name(module: Path) -> str:
    return module.relative_to(ROOT).as_posix()


def tree(module: Path) -> ast.Module:
    return ast.parse(module.read_text())


each_module = pytest.mark.parametrize("module", MODULES, ids=name)


@each_module
def test_modules_are_short(module: Path) -> None:
    lines = len(module.read_text().splitlines())
    assert lines <= 400 or name(module) in TABLES, f"{lines} lines"


@pytest.mark.parametrize("table", sorted(TABLES))
def test_tables_hold_no_logic(table: str) -> None:
    loops = [n for n in ast.walk(tree(ROOT / table)) if isinstance(n, (ast.For, ast.While, ast.Try, ast.With))]
    assert not loops, [n.lineno for n in loops]


@each_module
def test_no_room_is_named_after_nothing(module: Path) -> None:
    assert not {"utils", "helpers", "common", "misc", "base"} & {part.removesuffix(".py") for part in module.parts}


@each_module
def test_imports_stand_at_the_top(module: Path) -> None:
    if name(module) == "shims/client.py":
        pytest.skip("the thin client imports the rare things where they are needed: every import costs its caller")
    inside = [
        node.lineno
        for function in ast.walk(tree(module))
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef))
        for node in ast.walk(function)
        if isinstance(node, (ast.Import, ast.ImportFrom))
    ]
    assert not inside, f"imports inside functions, lines {inside}"


@each_module
def test_only_transitions_change_a_jobs_state(module: Path) -> None:
    if name(module) == MAY_CHANGE_STATE or not name(module).startswith("flowbatch/core/"):
        return
    replaced = [
        node.lineno
        for node in ast.walk(tree(module))
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", getattr(node.func, "attr", "")) == "replace"
        and any(keyword.arg == "state" for keyword in node.keywords)
    ]
    assert not replaced, f"lines {replaced}"


@each_module
def test_processes_start_in_few_places(module: Path) -> None:
    if name(module).startswith(MAY_START_PROCESSES) or name(module) == "shims/client.py":
        return
    starters = {"subprocess", "_posixsubprocess", "multiprocessing", "pty"}
    calls = {"fork", "forkpty", "execv", "execve", "execvp", "posix_spawn", "posix_spawnp", "system", "popen", "spawnv"}
    found = [
        node.lineno
        for node in ast.walk(tree(module))
        if (isinstance(node, ast.Import) and starters & {alias.name for alias in node.names})
        or (isinstance(node, ast.ImportFrom) and node.module in starters)
        or (
            isinstance(node, ast.Attribute)
            and node.attr in calls
            and isinstance(node.value, ast.Name)
            and node.value.id == "os"
        )
        or (isinstance(node, ast.Attribute) and node.attr in {"create_subprocess_exec", "create_subprocess_shell"})
    ]
    assert not found, f"lines {found}"


@each_module
def test_no_shell_reads_words(module: Path) -> None:
    """A program is started with a list of words; `sh -c` gets a text of ours, and words behind it."""
    found = [
        node.lineno
        for node in ast.walk(tree(module))
        if (isinstance(node, ast.Call) and any(k.arg == "shell" and getattr(k.value, "value", 0) is True for k in node.keywords)
            and getattr(node.func, "attr", "") in {"Popen", "run", "call", "check_call", "check_output"})
        or (isinstance(node, ast.Attribute) and node.attr in {"create_subprocess_shell", "getoutput", "getstatusoutput"})
        or (isinstance(node, ast.Attribute) and node.attr in {"system", "popen"} and getattr(node.value, "id", "") == "os")
        or (isinstance(node, ast.List) and _is_shell(node) and not _ours(node.elts[2]))
    ]  # fmt: skip
    assert not found, f"lines {found}"


def _ours(text: ast.expr) -> bool:
    """A text that stands in the module, or one of two."""
    return isinstance(text, ast.Constant | ast.Name) or (
        isinstance(text, ast.IfExp) and _ours(text.body) and _ours(text.orelse)
    )


def _is_shell(words: ast.List) -> bool:
    """`["/bin/sh", "-c", ...]`."""
    first = [getattr(word, "value", None) for word in words.elts[:2]]
    return len(words.elts) > 2 and first[0] in ("sh", "/bin/sh", "bash", "/bin/bash") and first[1] == "-c"


@each_module
def test_commands_read_nothing_from_their_own_process(module: Path) -> None:
    """A command speaks for a caller elsewhere: its environment, directory and zone come from the call."""
    if not name(module).startswith(
        ("flowbatch/commands/", "flowbatch/directives/", "flowbatch/slurm/", "flowbatch/core/")
    ):
        return
    forbidden = {"environ", "getcwd", "getcwdb", "getenv", "umask", "getlogin", "localtime", "tzset"}
    found = [
        f"{node.attr} (line {node.lineno})"
        for node in ast.walk(tree(module))
        if isinstance(node, ast.Attribute)
        and node.attr in forbidden
        and isinstance(node.value, ast.Name)
        and node.value.id in {"os", "time"}
    ]
    assert not found
