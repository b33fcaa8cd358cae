from __future__ import annotations

from dataclasses import dataclass

from flowbatch.core.embedded import embedded


@dataclass(frozen=True)
class Facts:
    hostname: str = "laptop"
    cpus: int = 6
    memory_mib: int = 16001
    tmp_mib: int = 500
    gpus: tuple[str, ...] = ("a100", "a100", "t4", "a100")


def test_one_node_with_all_that_the_machine_has() -> None:
    cluster = embedded(Facts())
    (node,) = cluster.nodes
    assert (node.name, node.cpus, node.cores_per_socket, node.real_memory, node.tmp_disk) == (
        "laptop",
        6,
        6,
        16001,
        500,
    )
    assert [(d.type, d.count, d.files) for d in node.gres] == [
        ("a100", 2, ("/dev/nvidia0", "/dev/nvidia1")),
        ("t4", 1, ("/dev/nvidia2",)),
        ("a100", 1, ("/dev/nvidia3",)),
    ]
    assert cluster.default_partition is not None
    assert (cluster.name, cluster.default_partition.name, cluster.default_partition.nodes) == (
        "local",
        "debug",
        ("laptop",),
    )


def test_as_many_jobs_fit_as_there_are_cpus() -> None:
    cluster = embedded(Facts())
    assert cluster.def_mem_per_cpu == 2666
    assert cluster.select_memory
    assert cluster.def_mem_per_cpu * 6 <= 16001


def test_obliging_about_names_strict_about_resources_and_generous_with_arrays() -> None:
    cluster = embedded(Facts())
    assert (cluster.obliging, cluster.enforce_part_limits) == (True, "ALL")
    assert cluster.max_array_size > 100_000
    assert cluster.max_job_count > cluster.max_array_size
    assert (cluster.min_job_age_s, cluster.kill_wait_s) == (300, 30)
