"""`flow setup`: the account on the market, where jobs go, and how much may be spent."""

from __future__ import annotations

import importlib
import os
import sys
from dataclasses import asdict
from typing import Any

import click

from flowbatch.commands.flow.flow_results import as_json
from flowbatch.errors import ConfigError
from flowbatch.sdk.controller import Controller

KEY_HINT = "flow setup --api-key - <file, or set MITHRIL_API_KEY"


@click.command()
@click.option("--api-key", metavar="KEY", help="The account's key; - reads it from standard input. [MITHRIL_API_KEY]")
@click.option("--keyring", is_flag=True, help="Keep the key in the system's keyring, not in a file.")
@click.option("--project", metavar="NAME", help="The project that pays; the only one where there is but one.")
@click.option(
    "--region", "regions", multiple=True, metavar="REGION", help="Rent here and nowhere else; may be repeated."
)
@click.option("--api-url", metavar="URL", help="Where the API answers.")
@click.option("--default", "default", metavar="CLUSTER", help="Where jobs go that name no cluster: mithril, local ...")
@click.option("--budget", metavar="$", help="The most that everybody may ever spend.")
@click.option("--budget-per-day", metavar="$", help="The most that everybody may spend on one day.")
@click.option("--no-check", is_flag=True, help="Do not ask the market whether the key opens the project.")
@click.option("--no-input", is_flag=True, help="Ask nothing, also on a terminal.")
@click.option("--json", "json_", is_flag=True, help="For a program to read.")
def setup(api_key: str | None, no_check: bool, no_input: bool, json_: bool, **said: Any) -> int:
    """Set up the market: asks for what is not given, tries the key, and writes flow.toml.

    \b
    flow setup
    flow setup --api-key - --project research --budget-per-day '$200' <key.txt

    What flow.toml says besides stays. The key goes to a file of its own that nobody else can read, or to the system's
    keyring, and is never shown.
    """
    # Loaded when it runs: asking the market takes an HTTP library, a quarter of a second of every other `flow`.
    steps = importlib.import_module("flowbatch.sdk.setup")
    here = Controller()
    asks = not (no_input or json_) and sys.stdin.isatty()
    known = steps.configured(here.paths)
    kept = steps.kept_key(here.paths)
    words = _key(api_key) or (None if kept else _ask_key(asks))
    new = steps.SecretStr(words) if words else None
    url = said["api_url"] = said["api_url"] or os.environ.get("MITHRIL_API_URL")
    url = url or (known.clusters["mithril"].api_url if "mithril" in known.clusters else None)
    project = said["project"] or os.environ.get("MITHRIL_PROJECT")
    if not no_check:
        projects = steps.projects(new or kept, url)
        names = [one.name for one in projects]
        if project is None and "mithril" in known.clusters:
            project = known.clusters["mithril"].project
        if project is None and asks and len(names) > 1:
            project = click.prompt("Project", type=click.Choice(names))
        project = steps.chosen(projects, project).name
    if asks and said["budget_per_day"] is None and not known.policy.budgets:
        said["budget_per_day"] = click.prompt("The most to spend on one day (- for no limit)", default="$100")
    limits = {name: None if said[name] == "-" else said[name] for name in ("budget", "budget_per_day")}
    written = steps.write(here.paths, steps.Wishes(api_key=new, **{**said, **limits, "project": project}))
    _tell(written, json_, checked=not no_check, stale=here.pid is not None and "mithril" in known.clusters)
    return 0


def _key(said: str | None) -> str | None:
    """The key of the command line, of standard input or of the environment."""
    if said == "-":
        said = sys.stdin.readline().strip()
        if not said:
            raise ConfigError("standard input holds no key", hint=KEY_HINT)
    return said or os.environ.get("MITHRIL_API_KEY")


def _ask_key(asks: bool) -> str:
    if not asks:
        raise ConfigError("there is no API key", hint=KEY_HINT)
    return str(click.prompt("API key (it is not shown)", hide_input=True)).strip()


def _tell(written: Any, json_: bool, *, checked: bool, stale: bool) -> None:
    if json_:
        click.echo(as_json({**asdict(written), "checked": checked}), nl=False)
        return
    for name, value in written.values.items():
        click.echo(f"{name:30} {value if isinstance(value, str) else ', '.join(value)}")
    click.echo(f"written to {written.file}" + (f" and {written.key_file}" if written.key_file else ""))
    if written.left is not None:
        click.echo(
            f"{written.left} still holds the key that was read from it until now: remove it if nothing else needs it",
            err=True,
        )
    if stale:
        click.echo("a cluster that is open keeps what it was opened with: flow controller stop", err=True)
