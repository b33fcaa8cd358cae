"""Commands whose words belong to sbatch's option table: our own long options are taken out, the rest is passed on."""

from __future__ import annotations

import click

END = "--"

SETTINGS = {"ignore_unknown_options": True, "help_option_names": ["--help"]}
"""No short option of ours: click would find its letter in the middle of sbatch's `-ohello`."""


class Words(click.Command):
    """A command that keeps every word it does not know, in order, and all words from `--` on, in its parameter `words`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        at = args.index(END) if END in args else len(args)
        rest = super().parse_args(ctx, args[:at])
        ctx.params["words"] = (*ctx.params["words"], *args[at:])
        return rest
