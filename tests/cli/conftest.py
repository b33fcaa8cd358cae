"""`flow` as a user calls it, in this process: its words, its streams, its exit code."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from flowbatch.cli.entry import main
from flowbatch.paths import Paths

Flow = Callable[..., tuple[int, str, str]]


@pytest.fixture
def flow(paths: Paths, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Flow:
    """Runs `flow WORD...` on the state directory of `paths`; exit code, stdout and stderr."""
    monkeypatch.setenv("FLOW_STATE_DIR", str(paths.state))
    monkeypatch.setenv("FLOW_CONFIG_DIR", str(paths.config))

    def run(*words: str) -> tuple[int, str, str]:
        code = main(words)
        out, err = capfdbinary.readouterr()
        return code, out.decode(), err.decode()

    return run
