"""The two worlds, each started once and only where a test asks for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conformance import oracle, worlds


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[worlds.World]:
    if not oracle.installed():
        pytest.skip("no real Slurm here (slurmctld, slurmd and root are needed): not compared with the real thing")
    with oracle.real_slurm(tmp_path_factory.mktemp("real")) as env:
        yield worlds.World("/usr/bin", env)


@pytest.fixture(scope="session")
def accounts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[worlds.World]:
    if not oracle.keeps_accounts():
        pytest.skip("no slurmdbd and MariaDB here: not compared with the real thing")
    with oracle.real_slurm(tmp_path_factory.mktemp("accounts"), accounts=True) as env:
        yield worlds.World("/usr/bin", env)


@pytest.fixture(scope="session")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[worlds.World]:
    root = tmp_path_factory.mktemp("ours")
    yield worlds.our_world(root)
    worlds.stop(root)


@pytest.fixture
def ours_alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[worlds.World]:
    """Ours without the history of other cases."""
    root = tmp_path_factory.mktemp("alone")
    yield worlds.our_world(root)
    worlds.stop(root)


@pytest.fixture
def our_accounts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[worlds.World]:
    """Ours as the real one that keeps accounts, without the history of other cases: accounts are known by the jobs that named them."""
    root = tmp_path_factory.mktemp("accounts")
    yield worlds.our_world(root, accounts=True)
    worlds.stop(root)
