"""dask-jobqueue: workers as jobs, more and fewer of them as there is work."""

from __future__ import annotations

CLIENT = "dask"


def test_a_cluster_grows_computes_shrinks_and_adapts(client):
    assert client.program("dask_cluster.py").told == {
        "workers": 2, "sum": 285, "names": "worker", "shrunk": True, "away": True, "back": 7, "gone": True,
    }  # fmt: skip
