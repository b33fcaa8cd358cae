"""Where a command works."""

from __future__ import annotations

import asyncio
import threading

from flowbatch.commands import beside


def test_a_little_is_done_at_once_and_much_in_another_thread():
    here = threading.get_ident()
    assert asyncio.run(beside.done(False, threading.get_ident)) == here
    assert asyncio.run(beside.done(True, threading.get_ident)) != here
