"""JAX: processes of a step that find each other by Slurm's variables alone, over two virtual nodes."""

from __future__ import annotations

CLIENT = "jax"
NODES = "localhost,n2"
"""The first node is where JAX's processes meet: its name must lead somewhere."""


def test_processes_find_each_other(client, programs):
    step = f"srun python {programs}/jax_ranks.py {client.work}"
    done = client.run("sbatch", "-W", "-N2", "--ntasks-per-node=2", "-c1", "-oout", "--wrap", step)
    assert done.code == 0, (client.work / "out").read_text()
    told = {"size": 4, "devices": 4, "local": 1, "sum": 6}
    assert client.told("told-*.json") == [told] * 4
