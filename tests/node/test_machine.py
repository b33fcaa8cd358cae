from __future__ import annotations

import os
from pathlib import Path

import pytest

from flowbatch.node import machine as room
from flowbatch.node.machine import machine, model


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("NVIDIA H100 80GB HBM3", "h100"),
        ("NVIDIA A100-SXM4-80GB", "a100"),
        ("NVIDIA B200", "b200"),
        ("Tesla V100-SXM2-16GB", "v100"),
        ("Tesla T4", "t4"),
        ("NVIDIA GeForce RTX 3090", "rtx3090"),
        ("NVIDIA GeForce RTX 4080 SUPER", "rtx4080super"),
        ("NVIDIA GeForce GTX 1080 Ti", "gtx1080ti"),
        ("NVIDIA RTX A6000", "a6000"),
        ("Quadro RTX 6000", "rtx6000"),
        ("NVIDIA", "gpu"),
    ],
)
def test_models_have_the_names_that_scripts_use(name: str, short: str) -> None:
    assert model(name) == short


def test_this_machine_is_measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(room, "_CGROUP", tmp_path / "none")
    found = machine()
    assert found.hostname == os.uname().nodename.split(".")[0]
    assert 1 <= found.cpus <= (os.cpu_count() or 1)
    assert found.memory_mib > 16
    assert found.tmp_mib > 0
    assert found.gpus == ()


def test_a_cgroup_may_give_less(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(room, "_CGROUP", tmp_path)
    (tmp_path / "cpu.max").write_text("150000 100000\n")
    (tmp_path / "memory.max").write_text(f"{512 << 20}\n")
    found = machine()
    assert (found.cpus, found.memory_mib) == (1, 512)
    (tmp_path / "cpu.max").write_text("max 100000\n")
    (tmp_path / "memory.max").write_text("max\n")
    unlimited = machine()
    assert unlimited.cpus >= 1
    assert unlimited.memory_mib > 512


def test_gpus_come_in_index_order(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake = tmp_path / "nvidia-smi"
    fake.write_text("#!/bin/sh\nprintf '1, Tesla T4\\n0, NVIDIA A100-SXM4-80GB\\nnoise\\n'\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert machine().gpus == ("a100", "t4")
    fake.write_text("#!/bin/sh\nexit 9\n")
    assert machine().gpus == ()
