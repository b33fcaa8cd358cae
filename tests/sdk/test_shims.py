"""The files that `flow shims install` writes, without a controller: a `client.py` of the test says what it was told."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from flowbatch.errors import ForeignFile
from flowbatch.node.commands import COMMANDS
from flowbatch.node.wrappers import compiled_in
from flowbatch.sdk.compiling import compiler
from flowbatch.sdk.shims import Baked, install, is_current, is_shim, path_line, standing, uninstall

TELLING = "import sys\ndef main(*told):\n    print(told)\n    sys.exit(7)\n"


@pytest.fixture
def baked(tmp_path: Path) -> Baked:
    clients = tmp_path / "package's own"
    clients.mkdir()
    (clients / "client.py").write_text(TELLING)
    return Baked(sys.executable, str(clients), str(tmp_path / "state"), ("python", "-m", "x"))


def told(shim: Path) -> tuple[str, int]:
    done = subprocess.run([shim, "--hello"], env={}, capture_output=True, text=True, timeout=30)
    assert done.stderr == ""
    return done.stdout, done.returncode


def test_each_command_runs_with_an_empty_environment(tmp_path: Path, baked: Baked) -> None:
    shims = install(tmp_path / "bin", baked)
    assert [shim.name for shim in shims] == list(COMMANDS)
    assert told(shims[0]) == (f"(b'sbatch', {baked.state.encode()!r}, [b'python', b'-m', b'x'])\n", 7)


@pytest.mark.parametrize("folder", ["with blank", "it's", "long" * 40])
def test_an_interpreter_that_no_shebang_can_name(tmp_path: Path, baked: Baked, folder: str) -> None:
    python = tmp_path / folder / "python"
    python.parent.mkdir()
    python.symlink_to(sys.executable)
    shims = install(tmp_path / "bin", Baked(str(python), baked.clients, baked.state, ()))
    assert told(shims[1]) == (f"(b'squeue', {baked.state.encode()!r}, [])\n", 7)
    assert all(is_shim(shim) for shim in shims)


def test_installing_again_replaces_our_own_files(tmp_path: Path, baked: Baked) -> None:
    install(tmp_path, baked)
    install(tmp_path, Baked(baked.python, baked.clients, "/elsewhere", ()))
    assert told(tmp_path / "sbatch")[0] == "(b'sbatch', b'/elsewhere', [])\n"


def test_a_real_slurm_is_left_alone(tmp_path: Path, baked: Baked) -> None:
    real = tmp_path / "scancel"
    real.write_text("#!/bin/sh\n")
    with pytest.raises(ForeignFile, match="scancel is not a shim of flowbatch") as raised:
        install(tmp_path, baked)
    assert raised.value.hint is not None and "--force" in raised.value.hint
    assert not (tmp_path / "sbatch").exists() and real.read_text() == "#!/bin/sh\n"
    install(tmp_path, baked, force=True)
    assert is_shim(real)


def test_a_link_to_a_real_slurm_is_replaced_and_not_written_through(tmp_path: Path, baked: Baked) -> None:
    real = tmp_path / "real"
    real.write_text("#!/bin/sh\n")
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "sbatch").symlink_to(real)
    install(folder, baked, force=True)
    assert real.read_text() == "#!/bin/sh\n" and is_shim(folder / "sbatch")


def test_uninstall_takes_only_what_is_ours(tmp_path: Path, baked: Baked) -> None:
    folder = tmp_path / "bin"
    install(folder, baked)
    (folder / "squeue").write_text("#!/bin/sh\n")
    assert [path.name for path in uninstall(folder)] == [name for name in COMMANDS if name != "squeue"]
    assert [path.name for path in folder.iterdir()] == ["squeue"]
    (folder / "squeue").unlink()
    install(folder, baked)
    uninstall(folder)
    assert not folder.exists()


def test_the_first_on_path_wins(tmp_path: Path, baked: Baked) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    install(ours, baked)
    theirs.mkdir()
    (theirs / "sbatch").write_text("#!/bin/sh\n")
    (theirs / "sbatch").chmod(0o755)
    (theirs / "squeue").write_text("not executable")
    first = {s.command: s for s in standing({"PATH": f"{theirs}:{ours}:{theirs}"})}
    assert first["sbatch"].found == (theirs / "sbatch", ours / "sbatch") and not first["sbatch"].ours
    assert first["squeue"].found == (ours / "squeue",) and first["squeue"].ours
    assert {s.winner for s in standing({"PATH": str(tmp_path)})} == {None}


def test_a_link_to_a_shim_counts_as_ours(tmp_path: Path, baked: Baked) -> None:
    install(tmp_path / "shims", baked)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "sbatch").symlink_to(tmp_path / "shims" / "sbatch")
    assert standing({"PATH": str(tmp_path / "bin")})[0].ours


def test_the_path_line_is_for_any_shell(tmp_path: Path) -> None:
    line = path_line(tmp_path / "a b'c")
    done = subprocess.run(["sh", "-c", f'{line}; echo "$PATH"'], env={"PATH": "/bin"}, capture_output=True, text=True)
    assert done.stdout == f"{tmp_path}/a b'c:/bin\n"


@pytest.fixture
def cc() -> str:
    found = compiler()
    if found is None:
        pytest.skip("no C compiler here: no client was compiled")
    return found


def test_a_compiler_makes_clients_of_their_own(tmp_path: Path, cc: str) -> None:
    """Each starts what it was told to start, and says as its own command that nothing answers."""
    state = tmp_path / 'it\'s a "state\\101" é'
    state.mkdir()
    starter = tmp_path / "starter"
    starter.write_text('#!/bin/sh\nprintf "%s|%s\\n" "$FLOW_STATE_DIR" "$*"\n')
    starter.chmod(0o755)
    shims = install(tmp_path / "bin", Baked(sys.executable, "/nowhere", str(state), (str(starter), "a b", '"')), cc=cc)
    assert all(shim.read_bytes()[:4] == b"\x7fELF" or sys.platform == "darwin" for shim in shims)
    done = subprocess.run([shims[1]], env={"FLOW_STATE_DIR": "/other"}, capture_output=True, timeout=30)
    assert done.stderr.decode().splitlines()[0] == f'{state}|a b "'
    assert done.stderr.startswith(os.fsencode(state)) and b"\nslurm_load_jobs error: " in done.stderr
    assert done.returncode == 1
    assert all(is_shim(shim) for shim in shims) and len(uninstall(tmp_path / "bin")) == len(COMMANDS)


def test_a_compiler_that_fails_leaves_the_python_client(tmp_path: Path, baked: Baked) -> None:
    shims = install(tmp_path / "bin", baked, cc="/bin/false")
    assert told(shims[0])[1] == 7


def test_what_is_installed_is_known_again(tmp_path: Path, baked: Baked) -> None:
    folder = tmp_path / "bin"
    assert not is_current(folder, baked)
    install(folder, baked)
    assert is_current(folder, baked)
    assert not is_current(folder, Baked(baked.python, baked.clients, "/elsewhere", ()))
    (Path(baked.clients) / "client.py").write_text(TELLING + "\n")
    assert not is_current(folder, baked)


def test_a_wrapper_that_went_away_is_made_again(tmp_path: Path, cc: str) -> None:
    baked = Baked(sys.executable, "/nowhere", str(tmp_path / "state"), ("true",))
    install(tmp_path / "bin", baked, cc=cc)
    assert is_current(tmp_path / "bin", baked)
    compiled_in(tmp_path / "state" / "node").unlink()
    assert not is_current(tmp_path / "bin", baked)


def test_a_state_directory_that_takes_no_wrapper_takes_nothing_else_away(tmp_path: Path, cc: str) -> None:
    (tmp_path / "state").write_text("no directory")
    baked = Baked(sys.executable, "/nowhere", str(tmp_path / "state"), ("true",))
    assert len(install(tmp_path / "bin", baked, cc=cc)) == len(COMMANDS)
