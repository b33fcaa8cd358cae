"""What srun itself says on standard error, as far as it was told to: -Q hides remarks, -QQ errors too, -v shows more."""

from __future__ import annotations

from dataclasses import dataclass

from flowbatch.node.own_process import say


@dataclass(frozen=True, slots=True)
class Voice:
    """Lines are complete but for their newline; a reader that is gone is no reason to stop."""

    quiet: int = 0
    verbose: int = 0

    def error(self, line: str) -> None:
        if self.quiet < 2:
            say(line)

    def remark(self, line: str) -> None:
        if not self.quiet:
            say(line)

    def detail(self, line: str) -> None:
        """Shown with -v."""
        if self.verbose:
            say(line)
