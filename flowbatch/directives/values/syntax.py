"""What a value language says to a text that is not one of its own."""

from __future__ import annotations

from flowbatch.errors import FlowError


class ValueSyntax(FlowError):
    """`text` cannot be read at `column` (1-based, one past the end when something is missing).

    `message` is Slurm's own sentence where Slurm has one that depends on the text, else ours. `said` is a line that
    Slurm prints before that. `where` is what `spec.model.Malformed` carries to the controller when its answer depends
    on the kind of fault.
    """

    exit_code = 255

    def __init__(
        self, message: str, column: int = 1, *, where: str = "", said: str = "", hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.column = column
        self.where = where
        self.said = said
