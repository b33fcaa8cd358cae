"""What is in the checkout is in the wheel, and nothing is listed that is not there."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def packages_in_the_checkout() -> set[str]:
    inside = {".".join(p.parent.relative_to(ROOT).parts) for p in (ROOT / "flowbatch").rglob("__init__.py")}
    return inside | {"flowbatch.grammar", "flowbatch.shims"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    place = tmp_path_factory.mktemp("wheel")
    copy = place / "source"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(copy)], check=True, timeout=60)
    built = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(place), str(copy)],
        capture_output=True, text=True, check=False, timeout=110,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    (file,) = place.glob("*.whl")
    return zipfile.ZipFile(file)


def test_every_package_is_in_the_wheel(wheel: zipfile.ZipFile) -> None:
    names = {str(Path(n).parent).replace("/", ".") for n in wheel.namelist() if n.endswith("__init__.py")}
    assert names == packages_in_the_checkout()


def test_grammars_clients_and_the_wrapper_are_in_the_wheel(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    grammars = {f"flowbatch/grammar/{p.name}" for p in (ROOT / "grammar").glob("*.lark")}
    assert grammars
    assert grammars <= names
    assert {
        "flowbatch/shims/client.py",
        "flowbatch/node/wrapper.pl",
        "flowbatch/node/wrapper.c",
        "flowbatch/py.typed",
    } <= names


def test_the_wheel_puts_flow_alone_on_path(wheel: zipfile.ZipFile) -> None:
    (entry,) = [n for n in wheel.namelist() if n.endswith("entry_points.txt")]
    scripts = [line.split("=")[0].strip() for line in wheel.read(entry).decode().splitlines() if "=" in line]
    assert scripts == ["flow"]
