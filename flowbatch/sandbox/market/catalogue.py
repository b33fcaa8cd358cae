"""What is offered for rent: instance types, regions, machines, prices. A table; names and ids are the market's own.

Where the market does not say a number (capacities, floors, what the newest types cost) it is ours: docs/dev/decisions/0014.
"""

from __future__ import annotations

from dataclasses import dataclass

CENT = 10_000
"""Micro-dollars. Every price of the market is a whole number of cents per instance-hour: its API can say no finer."""


@dataclass(frozen=True, slots=True)
class InstanceType:
    """One row of /v2/instance-types. `usual_cents` is what an hour costs on an ordinary day."""

    fid: str
    name: str
    num_cpus: int
    ram_gb: int
    local_storage_gb: int
    num_gpus: int
    gpu_type: str
    gpu_memory_gb: int
    usual_cents: int
    gpu_socket: str = ""
    cpu_type: str = "Intel"
    network_type: str | None = None
    ib_count: int = 0
    bridge_count: int = 0

    @property
    def usual_micro_usd(self) -> int:
        return self.usual_cents * CENT

    @property
    def floor_micro_usd(self) -> int:
        """A quarter of the usual price, and a cent at least: nobody rents for less."""
        return max(1, self.usual_cents // 4) * CENT


@dataclass(frozen=True, slots=True)
class Offer:
    """Machines of one type in one region: one auction. `usual_micro_usd` is the price that the rivals there have in mind."""

    instance_type: str
    region: str
    capacity: int
    floor_micro_usd: int
    usual_micro_usd: int


REGIONS = (
    "us-central1-a",
    "us-central1-b",
    "us-central2-a",
    "us-central3-a",
    "us-central5-a",
    "us-east1-a",
    "eu-central1-a",
    "eu-central1-b",
    "me-central1-a",
)

IB = "InfiniBand"

# fmt: off
INSTANCE_TYPES = (
    # fid, name, CPUs, RAM GB, disk GB, GPUs, GPU, GB of one, cents an hour
    InstanceType("it_RrgkIZz6c9BZu5gi", "a100-80gb.sxm.1x", 26, 190, 1000, 1, "A100", 80, 50, "SXM4", "AMD"),
    InstanceType("it_TiAPxzKNi4xO0IAr", "a100-80gb.sxm.2x", 52, 380, 2000, 2, "A100", 80, 100, "SXM4", "AMD"),
    InstanceType("it_4TugeYWOov5FllEf", "a100-80gb.sxm.4x", 102, 760, 4000, 4, "A100", 80, 200, "SXM4", "AMD"),
    InstanceType("it_Sg1nDx1I8NFep60J", "a100-80gb.sxm.8x", 204, 1520, 8000, 8, "A100", 80, 400, "SXM4", "AMD", IB, 8, 4),
    InstanceType("it_H1sxm1xH100sand1", "h100-80gb.sxm.1x", 20, 226, 1774, 1, "H100", 80, 100, "SXM5"),
    InstanceType("it_5ECSoHQjLBzrp5YM", "h100-80gb.sxm.8x", 192, 1800, 7800, 8, "H100", 80, 1200, "SXM5", "Intel", IB, 8, 4),
    InstanceType("it_XqgKWbhZ5gznAYsG", "h100-80gb.sxm.8x", 168, 1814, 12500, 8, "H100", 80, 1203, "SXM5", "Intel", IB, 8, 4),
    InstanceType("it_H2sxm1xH200sand1", "h200.1x", 20, 200, 1500, 1, "H200", 141, 101, "SXM5"),
    InstanceType("it_7RHoQUztab9lU9Ne", "h200.8x", 168, 1600, 12500, 8, "H200", 141, 1726, "SXM5", "Intel", IB, 8, 4),
    InstanceType("it_q0o0UtmD4bgy36kb", "neb-b200.sxm.8x", 160, 1792, 12500, 8, "B200", 180, 2600, "SXM6", "Intel", IB, 8, 4),
    InstanceType("it_tcjiKnwIK0jX21t3", "b200-192gb.1x", 24, 220, 1500, 1, "B200", 192, 300, "SXM6"),
    InstanceType("it_WCJ0NkfuADQ7yexV", "b200-192gb.2x", 48, 440, 3000, 2, "B200", 192, 600, "SXM6"),
    InstanceType("it_OS38SJAdsS1l6QFU", "b200-192gb.4x", 96, 880, 6000, 4, "B200", 192, 1200, "SXM6"),
    InstanceType("it_nFEHySv5IMnHKbKi", "b200-192gb.8x", 192, 1760, 12500, 8, "B200", 192, 2500, "SXM6", "Intel", IB, 8, 4),
    InstanceType("it_iBJ0PZl0NszKMxPu", "v6e-1", 44, 176, 100, 1, "v6e", 32, 133, "TPU", "AMD"),
    InstanceType("it_tGQ0hu1bV2rY2fEO", "v6e-4", 180, 720, 400, 4, "v6e", 32, 532, "TPU", "AMD"),
    InstanceType("it_2vblKKB0L8sRG8K7", "v6e-8", 180, 1440, 800, 8, "v6e", 32, 1064, "TPU", "AMD"),
    InstanceType("it_C8smallCPUsandbx", "cpu.8vcpu", 8, 32, 200, 0, "", 0, 20, "", "AMD"),
)

_WHERE = (
    # fid, region, machines, per cent of the type's usual price
    ("it_RrgkIZz6c9BZu5gi", "us-central1-a", 16, 100), ("it_RrgkIZz6c9BZu5gi", "us-central3-a", 8, 110),
    ("it_TiAPxzKNi4xO0IAr", "us-central1-a", 8, 100), ("it_TiAPxzKNi4xO0IAr", "us-central3-a", 4, 110),
    ("it_4TugeYWOov5FllEf", "us-central1-a", 8, 100), ("it_4TugeYWOov5FllEf", "us-central3-a", 4, 110),
    ("it_Sg1nDx1I8NFep60J", "us-central1-a", 8, 100), ("it_Sg1nDx1I8NFep60J", "us-central3-a", 4, 110),
    ("it_Sg1nDx1I8NFep60J", "eu-central1-a", 4, 120),
    ("it_H1sxm1xH100sand1", "us-central1-b", 16, 100), ("it_H1sxm1xH100sand1", "us-central5-a", 8, 115),
    ("it_5ECSoHQjLBzrp5YM", "us-central2-a", 16, 100), ("it_5ECSoHQjLBzrp5YM", "us-central1-b", 8, 67),
    ("it_5ECSoHQjLBzrp5YM", "us-central5-a", 8, 105), ("it_5ECSoHQjLBzrp5YM", "eu-central1-a", 6, 115),
    ("it_XqgKWbhZ5gznAYsG", "us-east1-a", 8, 100), ("it_XqgKWbhZ5gznAYsG", "eu-central1-b", 6, 110),
    ("it_H2sxm1xH200sand1", "us-central5-a", 8, 100), ("it_H2sxm1xH200sand1", "eu-central1-b", 8, 105),
    ("it_7RHoQUztab9lU9Ne", "us-central5-a", 8, 100), ("it_7RHoQUztab9lU9Ne", "us-east1-a", 6, 95),
    ("it_7RHoQUztab9lU9Ne", "me-central1-a", 4, 90),
    ("it_q0o0UtmD4bgy36kb", "us-central5-a", 6, 100), ("it_q0o0UtmD4bgy36kb", "me-central1-a", 4, 95),
    ("it_tcjiKnwIK0jX21t3", "us-central3-a", 8, 100), ("it_WCJ0NkfuADQ7yexV", "us-central3-a", 4, 100),
    ("it_OS38SJAdsS1l6QFU", "us-central3-a", 4, 100), ("it_nFEHySv5IMnHKbKi", "us-central3-a", 4, 100),
    ("it_nFEHySv5IMnHKbKi", "us-east1-a", 4, 105),
    ("it_iBJ0PZl0NszKMxPu", "us-east1-a", 8, 100), ("it_tGQ0hu1bV2rY2fEO", "us-east1-a", 4, 100),
    ("it_2vblKKB0L8sRG8K7", "us-east1-a", 4, 100),
    ("it_C8smallCPUsandbx", "us-central1-b", 16, 100), ("it_C8smallCPUsandbx", "us-central5-a", 16, 100),
)
# fmt: on

TYPES = {row.fid: row for row in INSTANCE_TYPES}

OFFERS = tuple(
    Offer(fid, region, machines, TYPES[fid].floor_micro_usd, TYPES[fid].usual_cents * per_cent // 100 * CENT)
    for fid, region, machines, per_cent in _WHERE
)
