"""The sandbox's secret is for the sandbox."""

from __future__ import annotations

import os
import socket

import pytest

from flowbatch.errors import MarketAway
from flowbatch.paths import find
from flowbatch.sandbox import address
from flowbatch.sdk.sandbox import Sandbox


def test_whoever_listens_where_a_killed_sandbox_did_is_told_nothing(tmp_path):
    box = Sandbox(find({"FLOW_STATE_DIR": str(tmp_path), "HOME": str(tmp_path)}))
    box.directory.mkdir(parents=True)
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        stranger.settimeout(0.2)
        url = f"http://127.0.0.1:{stranger.getsockname()[1]}"
        (box.directory / address.ADDRESS).write_text(
            address.text(address.Address(url, "k", "p", "secret", os.getpid()))
        )
        (box.directory / address.LOCK).touch()
        assert box.address() is None
        with pytest.raises(MarketAway, match="no sandbox runs"):
            box.status()
        with pytest.raises(TimeoutError):
            stranger.accept()
