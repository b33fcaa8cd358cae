"""What the audit of installed packages makes of pip-audit's words."""

from __future__ import annotations

import json

from tests.audit import verdict

SOUND = {"name": "lark", "version": "1.2.2", "vulns": []}
UNKNOWN = {"name": "click", "skip_reason": "Dependency not found on PyPI"}
HOLE = {"name": "paramiko", "version": "2.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.1"], "description": "x"}]}


def said(*found: object) -> str:
    return json.dumps({"dependencies": found, "fixes": []})


def test_a_vulnerability_fails():
    code, lines = verdict(said(SOUND, HOLE, UNKNOWN))
    assert (code, lines[0]) == (1, "audit: paramiko 2.0: PYSEC-1, mended in 2.1")


def test_what_is_sound_passes_and_what_is_unknown_is_said():
    assert verdict(said(SOUND)) == (0, ["audit: 1 packages audited, 0 vulnerabilities"])
    assert verdict(said(SOUND, UNKNOWN))[1][0] == "audit: no advisories can be had of 1 of 2 packages: click"


def test_a_machine_without_advisories_says_so():
    assert verdict("") == (0, ["audit: no advisories can be had here: nothing was audited"])
