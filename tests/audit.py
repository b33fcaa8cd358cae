"""`python -m tests.audit`: known vulnerabilities of what is installed, by pip-audit. One fails; advisories that cannot be had are said, and do not."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

COMMAND = (
    sys.executable,
    "-m",
    "pip_audit",
    "--format",
    "json",
    "--progress-spinner",
    "off",
    "--skip-editable",
    "--timeout",
    "15",
)
WITHIN_S = 300


def verdict(said: str) -> tuple[int, list[str]]:
    """The exit code, and what there is to say, of what pip-audit has printed."""
    try:
        found: list[dict[str, Any]] = json.loads(said)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return 0, ["audit: no advisories can be had here: nothing was audited"]
    holes = [(one, hole) for one in found for hole in one.get("vulns", ())]
    lines = [
        f"audit: {one['name']} {one['version']}: {hole['id']}, mended in {', '.join(hole['fix_versions']) or 'no version yet'}"
        for one, hole in holes
    ]
    unknown = [one["name"] for one in found if "skip_reason" in one]
    if unknown:
        lines.append(f"audit: no advisories can be had of {len(unknown)} of {len(found)} packages: {' '.join(unknown)}")
    lines.append(f"audit: {len(found) - len(unknown)} packages audited, {len(holes)} vulnerabilities")
    return (1 if holes else 0), lines


def main() -> int:
    try:
        said = subprocess.run(COMMAND, capture_output=True, text=True, timeout=WITHIN_S, check=False).stdout
    except subprocess.TimeoutExpired:
        said = ""
    code, lines = verdict(said)
    print("\n".join(lines))
    return code


if __name__ == "__main__":
    sys.exit(main())
