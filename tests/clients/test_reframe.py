"""ReFrame: checks of a system as jobs."""

from __future__ import annotations

CLIENT = "reframe"


def test_a_check_by_both_of_its_schedulers(client, programs):
    done = client.run(
        "reframe", "-C", str(programs / "reframe_settings.py"), "-c", str(programs / "reframe_check.py"), "-r"
    )
    assert done.code == 0, done
    assert "Ran 2/2 test case(s) from 1 check(s) (0 failure(s)" in done.out
