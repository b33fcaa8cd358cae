"""`module` and `ml` in bash, as a batch script has them."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flowbatch.node.modules import ML, MODULE, functions, unmapped

NAMES: dict[str, Any] = {
    "gcc": {"set": {"CC": "gcc 12"}, "prepend": {"PATH": ["/opt/gcc/bin", "/opt/gcc/sbin"], "MANPATH": ["/opt/man"]}},
    "cuda/12": {},
    "pytorch": {"image": "org/torch:2"},
}

Says = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def says(tmp_path: Path) -> Says:
    def script(text: str, unmapped: str = "warn", image: str = "") -> subprocess.CompletedProcess[str]:
        made = functions({"unmapped": unmapped, "names": NAMES}, image, tmp_path, {})
        environ = {name.decode(): value.decode() for name, value in made.items()} | {"PATH": "/usr/bin:/bin"}
        return subprocess.run(["bash", "-euc", text], env=environ, text=True, capture_output=True, timeout=30)

    return script


@pytest.mark.parametrize(
    ("script", "out"),
    [
        ('module load gcc; echo "$CC $PATH ${MANPATH}"', "gcc 12 /opt/gcc/bin:/opt/gcc/sbin:/usr/bin:/bin /opt/man\n"),
        ("module load gcc/12.1 cuda/12; echo $LOADEDMODULES", "gcc/12.1:cuda/12\n"),
        ("module load gcc gcc; echo $LOADEDMODULES", "gcc\n"),
        ('module load gcc; module unload gcc; echo "${CC-none} $PATH [$LOADEDMODULES]"', "none /usr/bin:/bin []\n"),
        ('module load gcc cuda/12; module purge; echo "$PATH [$LOADEDMODULES]"', "/usr/bin:/bin []\n"),
        ("module load gcc; module swap gcc cuda/12; echo $LOADEDMODULES", "cuda/12\n"),
        ("ml gcc cuda/12; ml -gcc; echo $LOADEDMODULES", "cuda/12\n"),
        ("module -q load gcc 2>/dev/null || echo no", "no\n"),
        ("module load cuda/12; module is-loaded cuda && echo yes; module is-loaded gcc || echo no", "yes\nno\n"),
        ("module load -s gcc; bash -c 'module load cuda/12; echo $LOADEDMODULES'", "gcc:cuda/12\n"),
        ("module purge; module list; module use /opt; module avail; ml; echo end", "end\n"),
    ],
)
def test_a_mapped_module_is_what_the_site_says(says: Says, script: str, out: str) -> None:
    done = says(script)
    assert (done.returncode, done.stdout) == (0, out), done.stderr


def test_what_is_not_mapped_is_said_once_and_noted(says: Says, tmp_path: Path) -> None:
    done = says("module load foo/1 gcc; module load foo/1; bash -c 'module load foo/1 bar'; echo [$LOADEDMODULES]")
    line = "flowbatch: module {} is not mapped here, nothing was loaded (flow.toml, [modules])\n"
    assert (done.returncode, done.stdout) == (0, "[gcc]\n")
    assert done.stderr == line.format("foo/1") + line.format("bar")
    assert unmapped(str(tmp_path)) == ("foo/1", "bar")


def test_it_ends_the_script_where_the_site_asks_for_that(says: Says, tmp_path: Path) -> None:
    done = says("module load foo; echo not here", unmapped="fail")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith("nothing was loaded (flow.toml, [modules]): the job ends\n")
    assert unmapped(str(tmp_path)) == ("foo",)


def test_a_note_that_cannot_be_kept_ends_nothing(says: Says, tmp_path: Path) -> None:
    (tmp_path / "modules").mkdir()
    assert says("module load foo; echo on").stdout == "on\n"
    assert unmapped(str(tmp_path)) == ()


def test_an_image_is_there_or_not(says: Says) -> None:
    said = says("module load pytorch || echo failed")
    assert said.stdout == "failed\n"
    assert said.stderr == (
        "flowbatch: module pytorch is an image here: submit the job with #FLOW --image=org/torch:2\n"
    )
    assert says("module load pytorch; echo $LOADEDMODULES", image="org/torch:2").stdout == "pytorch\n"


@pytest.mark.parametrize("name", ["x;touch hit", "$(touch hit)", "`touch hit`", "-x'; touch hit; '", "a b*", "\\n%s%s"])
def test_a_hostile_name_is_only_a_name(says: Says, tmp_path: Path, name: str) -> None:
    done = says(f"cd {tmp_path}; module load {shlex.quote(name)}; module unload {shlex.quote(name)}; module list")
    assert done.returncode == 0
    assert not (tmp_path / "hit").exists()
    assert unmapped(str(tmp_path)) == (() if name.startswith("-") else (name,))


def test_the_list_and_the_names_are_on_standard_error(says: Says) -> None:
    assert says("module load gcc; module list").stderr == "Currently Loaded Modules:\n  gcc\n"
    assert says("module avail").stderr == "modules that this site maps (flow.toml):\n  cuda/12\n  gcc\n  pytorch\n"


def test_an_unknown_subcommand_fails(says: Says) -> None:
    assert says("module frob || echo $?").stdout == "1\n"


def test_the_users_own_function_stays(tmp_path: Path) -> None:
    assert functions({}, "", tmp_path, {MODULE: b"() { :; }"}) == {}
    assert set(functions({}, "", tmp_path, {})) == {MODULE, ML}
