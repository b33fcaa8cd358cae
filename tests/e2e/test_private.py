"""Whatever the umask, nobody else can read what is kept of a user: walked by his own rights, file for file."""

from __future__ import annotations

import os
import stat


def test_nothing_of_a_user_is_open_to_others(cluster):
    before = os.umask(0)
    spool = cluster.state / "node/spool"
    try:
        assert cluster.run("sbatch", "--wrap", "srun sleep 600").code == 0
        cluster.until(lambda: list(spool.rglob("launch")), "the job was started")
    finally:
        os.umask(before)
    kept = [cluster.state, *cluster.state.rglob("*")]
    open_ = {str(one.relative_to(cluster.state)): oct(one.lstat().st_mode) for one in kept if _others_may(one.lstat())}
    assert not open_
    names = {one.name for one in kept}
    assert {"store.db", "controller.log", "controller.sock", "journal", "node.sock", "slurm_script", "launch"} <= names


def _others_may(found):
    return bool(found.st_mode & 0o077) and not stat.S_ISLNK(found.st_mode)
