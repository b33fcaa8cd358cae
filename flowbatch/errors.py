"""Every error that a user may read: what happened, what to do, and the exit code that goes with it."""

from __future__ import annotations


class FlowError(Exception):
    """The root of our own errors. `message` is one sentence, `hint` says what to do, `exit_code` ends the process."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def screen(self, who: str) -> str:
        """What happened, as `who` says it, and what to do."""
        return f"{who}: {self.message}" + (f"\nhint: {self.hint}" if self.hint else "")


class ControllerUnreachable(FlowError):
    """No controller answers and none could be started."""


class AnswerLost(FlowError):
    """The controller died between what was asked and its answer: it may have happened or not."""


class NewerStore(FlowError):
    """The store on disk was written by a later version; nothing in it was touched."""


class StoreFailed(FlowError):
    """A transaction did not reach the disk: nothing of the step happened, and nothing was acknowledged."""


class RuleFailed(StoreFailed):
    """A fault of our own met a fact: nothing of it happened, and asking again would meet the same fault."""


class ConfigError(FlowError):
    """A configuration file says something that cannot be understood; names the file and the line."""


class ForeignFile(FlowError):
    """A file that is not ours stands where one of ours should; it was left as it is."""


class CommandFailed(FlowError):
    """A command of the controller refused; the message is what it printed, the exit code its own."""

    def __init__(self, message: str, *, hint: str | None = None, exit_code: int = 1) -> None:
        super().__init__(message, hint=hint)
        self.exit_code = exit_code

    def screen(self, who: str) -> str:
        """The command has said itself who speaks."""
        return self.message + (f"\nhint: {self.hint}" if self.hint else "")


class JobFailed(FlowError):
    """A job that was waited for did not complete."""


class NotThere(FlowError):
    """What was asked for does not exist, or is not one thing: an output, a single record of an array."""


class MachineFailed(FlowError):
    """An instance of the sandbox cannot be run on this machine; says what is missing."""


class MarketFailed(FlowError):
    """The market said no, with its own words; asking again would not help."""


class MarketAway(FlowError):
    """The market could not be asked: what was asked may have happened or not."""
