"""What a machine brings home leaves a disk its last part: the queue's store may lie there too, and is not to fail for a job's sake."""

from __future__ import annotations

import errno
import os

SHARE, MOST = 20, 1 << 30
"""The reserve is the disk's twentieth part, and no more bytes than this."""


def spare(fd: int, more: int) -> None:
    """So many bytes more may be written to this open file. Raises OSError (ENOSPC) where they would leave less than the reserve; some file
    systems do not say what they have."""
    disk = os.fstatvfs(fd)
    size, free = disk.f_blocks * disk.f_frsize, disk.f_bavail * disk.f_frsize
    reserve = min(size // SHARE, MOST)
    if size and free - more < reserve:
        raise OSError(
            errno.ENOSPC, f"No space left on device but its last {reserve / (1 << 20):.1f} MiB, which stay free"
        )
