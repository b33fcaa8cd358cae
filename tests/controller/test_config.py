"""What may be set by environment, and how a wrong value is named."""

from __future__ import annotations

import pytest

from flowbatch.config import IDLE_EXIT_S, Settings
from flowbatch.errors import ConfigError
from flowbatch.units import DAY


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({}, Settings(IDLE_EXIT_S, None)),
        ({"FLOW_IDLE_EXIT": "0", "FLOW_SMTP": "mail.site.org"}, Settings(0, ("mail.site.org", 25))),
        ({"FLOW_IDLE_EXIT": "", "FLOW_SMTP": "localhost:2525"}, Settings(IDLE_EXIT_S, ("localhost", 2525))),
        ({"FLOW_HISTORY_DAYS": "30"}, Settings(history_s=30 * DAY)),
        ({"FLOW_HISTORY_DAYS": "0"}, Settings(history_s=None)),
    ],
)
def test_settings(env, expected):
    assert Settings.read(env) == expected


@pytest.mark.parametrize(
    "env",
    [{"FLOW_IDLE_EXIT": "soon"}, {"FLOW_IDLE_EXIT": "-1"}, {"FLOW_HISTORY_DAYS": "x"}, {"FLOW_SMTP": "host:port"}],
)
def test_a_wrong_value_is_named(env):
    ((name, value),) = env.items()
    with pytest.raises(ConfigError, match=f"{name}={value}: not "):
        Settings.read(env)
