"""The ids that scontrol's keywords take, and as what an answer names them."""

from __future__ import annotations

import pytest

from flowbatch.commands.control.scontrol_ids import read


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("7,8_3 9+1", [("7", 7, None), ("8_3", 8, "3"), ("9+1", 9, None)]),
        ("7_[1,3-5],8", [("7_1,3-5", 7, "1,3-5"), ("8", 8, None)]),
        ("7_1-2,", [("7_1-2", 7, "1-2")]),
        ("7_[,01]", [("7_1", 7, "1")]),
        ("9+[0-1]", [("9+0", 9, None), ("9+1", 9, None)]),
        ("JobId=7", [("7", 7, None)]),
        ("7_[3-1],8", [("7_3-1", 0, None), ("8", 8, None)]),
        ("7_100,8_,9_[]", [("7_100", 0, None), ("8_", 0, None), ("9_", 0, None)]),
        ("4294967296", [("4294967296", 0, None)]),
        ("7,8x", [("7,8x", 0, None)]),
        ("7_[1-4:2]", [("7_[1-4:2]", 0, None)]),
        ("", []),
    ],
)
def test_ids(word, found):
    assert [(one.text, one.job_id, one.tasks and one.tasks.text()) for one in read(word, 100)] == found
