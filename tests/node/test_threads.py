"""Work beside the event loop."""

from __future__ import annotations

import subprocess
import sys

ENDS = """
import asyncio, time
from flowbatch.node.threads import in_thread

async def main():
    work = asyncio.ensure_future(in_thread(time.sleep, 1000))
    await asyncio.sleep(0)
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    print(await in_thread(lambda a, b: a + b, 1, b=2))

asyncio.run(main())
"""


def test_nobody_s_end_waits_for_a_thread_that_does_not_end():
    done = subprocess.run([sys.executable, "-c", ENDS], stdout=subprocess.PIPE, timeout=60, check=True)
    assert done.stdout == b"3\n"
