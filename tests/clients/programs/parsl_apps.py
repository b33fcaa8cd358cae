"""Functions and shell commands on blocks of nodes: `single`, `simple` or `srun` says how workers are launched."""

import json
import sys
from pathlib import Path

import parsl
from parsl import bash_app, python_app
from parsl.config import Config
from parsl.executors import HighThroughputExecutor
from parsl.launchers import SimpleLauncher, SingleNodeLauncher, SrunLauncher
from parsl.providers import SlurmProvider

LAUNCHERS = {"single": SingleNodeLauncher, "simple": SimpleLauncher, "srun": SrunLauncher}


@python_app
def double(number: int) -> int:
    return 2 * number


@python_app
def where() -> str:
    import os

    return os.environ["SLURM_JOB_NAME"]


@bash_app
def shout(word: str, stdout: str = "shouted.txt") -> str:
    return f"echo {word}"


provider = SlurmProvider(
    partition="debug", launcher=LAUNCHERS[sys.argv[1]](), nodes_per_block=1, cores_per_node=2, mem_per_node=1, init_blocks=1,
    min_blocks=0, max_blocks=2, walltime="00:10:00", exclusive=False, scheduler_options="#SBATCH --comment=parsl",
)  # fmt: skip
executor = HighThroughputExecutor(
    label="blocks", address="127.0.0.1", max_workers_per_node=2, provider=provider, encrypted=False, poll_period=50
)
with parsl.load(Config(executors=[executor], run_dir="runs", usage_tracking=0, strategy_period=1)):
    told = {
        "double": [future.result() for future in [double(number) for number in range(4)]],
        "named": where().result(),
    }
    told["shell"] = shout("well").result()
    told["shouted"] = Path("shouted.txt").read_text().split()
    told["blocks"] = sorted({status.state.name for status in executor.status().values()})
print(json.dumps(told))
