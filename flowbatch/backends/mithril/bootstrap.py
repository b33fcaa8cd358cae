"""The start-up script of a bid: it installs the guard, which holds the lease."""

from __future__ import annotations

import base64
import json
import pkgutil
import zlib
from dataclasses import asdict, dataclass, field

from flowbatch.errors import MarketFailed

LONGEST = 10_000
"""Characters of a start-up script, by the market's rule."""

SCRIPT = """#!/bin/bash
# flowbatch: this machine guards its own lease and deletes its bid when nobody needs it any more.
umask 077
mkdir -p {home} && chmod 755 {home} && cd {home} || exit 1
cat > lease.json <<'END'
{lease}
END
python3 -c 'import sys,zlib,base64;sys.stdout.buffer.write(zlib.decompress(base64.b64decode(sys.stdin.read())))' > guard.py <<'END'
{guard}
END
exec python3 -I {home}/guard.py install "$0"
"""

HOME = "/var/lib/flowbatch"
"""As in `node/guard.py`."""


@dataclass(frozen=True, slots=True)
class Lease:
    """All that the guard of one bid knows. Lengths in seconds; `key` is the secret of an API key minted for this bid."""

    bid: str
    project: str
    api_url: str
    key: str = field(repr=False)
    key_fid: str | None
    """The API key's own id: it is deleted after the bid."""
    ends_at: int
    """The bid is gone by then, whatever else is true."""
    run_limit_s: int
    boot_s: int
    """Nobody came with work within so long of a boot, or came back after the work: the bid is deleted."""
    upload_s: int
    grace_s: int
    return_s: int


def script(lease: Lease) -> str:
    """What the machine runs as root at its first boot: at most 10,000 characters, `#!/bin/bash`. Raises MarketFailed."""
    source = pkgutil.get_data("flowbatch.node", "guard.py")
    assert source is not None
    packed = base64.b64encode(zlib.compress(source, 9)).decode()
    text = SCRIPT.format(home=HOME, lease=json.dumps(asdict(lease)), guard=packed)
    if len(text) > LONGEST:
        raise MarketFailed(f"the start-up script would have {len(text)} characters, more than the {LONGEST} allowed")
    return text
