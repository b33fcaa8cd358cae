"""The cluster that a configuration directory describes."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowbatch import app
from flowbatch.errors import ConfigError


def test_files_are_included_from_beside_slurm_conf_or_from_anywhere(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.conf"
    elsewhere.write_text("PartitionName=p Nodes=ALL Default=YES\n")
    config = tmp_path / "config"
    config.mkdir()
    (config / "nodes.conf").write_text("NodeName=n[1-2] CPUs=2\n")
    (config / "slurm.conf").write_text(f"ClusterName=c\ninclude nodes.conf\nInclude {elsewhere}\n")
    found = app.cluster(config)
    assert (found.name, [node.name for node in found.nodes], found.partitions[0].name) == ("c", ["n1", "n2"], "p")


def test_an_included_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "slurm.conf").write_text("ClusterName=c\nInclude nodes.conf\n")
    with pytest.raises(ConfigError) as refused:
        app.cluster(tmp_path)
    assert refused.value.message.endswith("slurm.conf:2: Include=nodes.conf: No such file or directory")
