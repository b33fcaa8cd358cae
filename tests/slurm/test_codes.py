from __future__ import annotations

import pytest

from flowbatch.slurm import codes


def test_messages_are_slurms() -> None:
    assert codes.message("ESLURM_INVALID_PARTITION_NAME") == "Invalid partition name specified"
    assert codes.message("ESLURM_REQUESTED_NODE_CONFIG_UNAVAILABLE") == "Requested node configuration is not available"
    assert codes.message("ESLURM_ALREADY_DONE") == "Job/step already completing or completed"
    with pytest.raises(KeyError):
        codes.message("ESLURM_NOSUCH")


def test_states_have_short_names_that_differ() -> None:
    assert len(set(codes.STATES.values())) == len(codes.STATES)
    assert codes.BASE_STATES[0] == "PENDING"
    assert codes.BASE_STATES[-1] == "OUT_OF_MEMORY"
    assert codes.STATES["OUT_OF_MEMORY"] == "OOM"


def test_what_the_client_finds_has_a_text() -> None:
    assert all(name in codes.MESSAGES for name in codes.FOUND_BY_CLIENT)
