"""`flow sandbox`: a market on this machine, whose instances really run here and whose money is not real."""

from __future__ import annotations

import shlex
import sys
import threading
from collections.abc import Callable, Mapping
from itertools import cycle
from pathlib import Path
from typing import Any, TypeVar

import click

from flowbatch import units
from flowbatch.commands.flow.flow_results import as_json
from flowbatch.errors import MarketAway
from flowbatch.sandbox.address import Address
from flowbatch.sandbox.settings import Settings
from flowbatch.sdk.sandbox import Sandbox

NOT_RUNNING = 3
"""As service managers have it."""
DEFAULT = Settings()
Result = TypeVar("Result")


@click.group()
def sandbox() -> None:
    """A market on this machine: Mithril's API, an auction against made-up rivals, instances that really run here. No account, no money."""


as_program = click.option("--json", "json_", is_flag=True, help="For a program to read.")


def seconds(text: str) -> int:
    """A length of time: 90 (seconds), 90s, 15m, 1h30m, 30d."""
    found = units.length(text + "s" if text.isdigit() else text)
    if found is None:
        raise click.BadParameter(f"{text!r} is not a length of time such as 90, 15m, 2h or 30d")
    return found


@sandbox.command()
@click.option(
    "--tick",
    "tick_s",
    type=seconds,
    metavar="TIME",
    help=f"Between two rounds of the auction ({DEFAULT.tick_s} s; the real market: 120 s).",
)
@click.option(
    "--notice",
    "notice_s",
    type=seconds,
    metavar="TIME",
    help=f"From a preemption's notice to the stop ({DEFAULT.notice_s} s; real: 300 s).",
)
@click.option(
    "--boot-delay",
    "boot_delay_s",
    type=seconds,
    metavar="TIME",
    help=f"From an allocation to the boot ({DEFAULT.boot_delay_s} s; real: minutes).",
)
@click.option("--seed", type=int, help=f"Of the rivals; for a sandbox that is made now ({DEFAULT.seed}).")
@click.option(
    "--rate", type=click.FloatRange(0, min_open=True), help="How many times as fast as ours the market's time runs (1)."
)
@click.option(
    "--prices",
    type=click.Path(path_type=Path, exists=True, dir_okay=False, resolve_path=True),
    help="A price history that rivals follow (an answer of /v2/pricing/history); for a sandbox that is made now.",
)
@click.option("--port", type=click.IntRange(0, 65535), help="0: the one it had before, else a free one.")
@click.option(
    "--requests-per-minute",
    type=click.IntRange(0),
    help=f"Of one API key; 0: no limit ({DEFAULT.requests_per_minute}).",
)
@click.option(
    "--idle",
    "idle_s",
    type=seconds,
    metavar="TIME",
    help=f"It ends when nobody asks it for so long and nothing runs ({DEFAULT.idle_s} s); 0: never.",
)
@as_program
def start(json_: bool, **said: Any) -> int:
    """Start it, unless it runs. Bids, keys and volumes of the last time are there again."""
    asked = {name: value for name, value in said.items() if value is not None}
    here = Sandbox()
    if (late := [f"--{name}" for name in ("seed", "prices") if name in asked]) and here.made and here.address() is None:
        raise click.UsageError(
            f"{' and '.join(late)}: the rivals were chosen when the sandbox was made; to have others, remove {here.directory} "
            "(its bids, keys and volumes go with it)"
        )
    started = _waiting("starting the sandbox", lambda: here.start(Settings(**asked)))
    if asked and not started.fresh:
        raise click.UsageError("the sandbox runs already: `flow sandbox stop` first, to start it with other settings")
    if json_:
        _print_json(_told(started.address))
    else:
        click.echo(f"sandbox: {started.address.api_url}, project {started.address.project}, pid {started.address.pid}")
        click.echo('for other programs: eval "$(flow sandbox env)"')
    return 0


@sandbox.command()
def stop() -> None:
    """Stop it and its instances. Bids, keys and volumes are kept for the next start."""
    pid = _waiting("stopping the sandbox", Sandbox().stop)
    click.echo("sandbox: none was running" if pid is None else f"sandbox: pid {pid} stopped")


@sandbox.command()
@as_program
def status(json_: bool) -> int:
    """Say whether it runs, what it charged, and how its time goes. Exit code 3 if it does not run."""
    here = Sandbox()
    known = here.address()
    told = here.status() if known else {}
    if json_:
        _print_json({"running": known is not None, **(_told(known) if known else {}), **told})
    elif known is None:
        click.echo("sandbox  not running")
    else:
        bids = ", ".join(f"{count} {state}" for state, count in told["bids"].items()) or "none"
        facts = {
            "pid": known.pid, "url": known.api_url, "project": known.project, "time": _time(told), "bids": bids,
            "running": f"{told['instances']} instances", "charged": f"${told['spent_micro_usd'] / 1_000_000:.2f}",
            "faults": told["faults"], "files": here.directory,
        }  # fmt: skip
        facts |= {f"failed {name}": why for name, why in told["failed"].items()}
        click.echo("\n".join(f"{name:8} {value}" for name, value in facts.items()))
    return NOT_RUNNING if known is None else 0


@sandbox.command()
@as_program
def env(json_: bool) -> None:
    """Print what points Mithril's own client, or any program, at the sandbox: eval "$(flow sandbox env)"."""
    known = Sandbox().address()
    if known is None:
        raise MarketAway("no sandbox runs", hint="flow sandbox start")
    if json_:
        _print_json(_told(known))
        return
    variables = {"MITHRIL_API_URL": known.api_url, "MITHRIL_API_KEY": known.api_key, "MITHRIL_PROJECT": known.project}
    click.echo("\n".join(f"export {name}={shlex.quote(value)}" for name, value in variables.items()))


@sandbox.command()
@click.argument("forward", type=seconds, required=False)
@click.option(
    "--rate", type=click.FloatRange(0, min_open=True), help="From now on it runs so many times as fast as ours."
)
@as_program
def time(forward: int | None, rate: float | None, json_: bool) -> None:
    """Show the market's time, or let FORWARD (90, 15m, 2h, 30d) of it pass at once: with its rounds, preemptions and charges."""
    here = Sandbox()
    told = here.ask("GET", "/sandbox/time") if rate is None else here.set_rate(rate)
    if forward is not None:
        told = _waiting("time passes", lambda: here.advance(forward))
    _show(told, _time(told), json_)


@sandbox.command()
@click.argument("bid")
@as_program
def preempt(bid: str, json_: bool) -> None:
    """Give BID (its id or its name) its notice now."""
    told = Sandbox().preempt(bid)
    _show(told, f"{told['bid']} is {told['status']} until {told['leaves_at']}", json_)


@sandbox.command()
@click.argument("instance_type")
@click.argument("region")
@click.argument("price", required=False)
@as_program
def price(instance_type: str, region: str, price: str | None, json_: bool) -> None:
    """Let a rival bid PRICE ($3.50) an hour for every instance of a type in a region, from the next round on; without PRICE he goes."""
    told = Sandbox().price(instance_type, region, price)
    who = "the rival is gone" if price is None else f"a rival bids {price} for every machine"
    _show(told, f"{instance_type} in {region}: {who}", json_)


@sandbox.command()
@click.argument("kind", type=click.Choice(["latency", "status", "drop", "cut", "stale", "skew"]), required=False)
@click.option("--path", default="*", show_default=True, help="Of requests whose path fits (*, ? and [] as in a shell).")
@click.option("--method", default="*", show_default=True, help="GET, POST, ...")
@click.option(
    "--count", type=click.IntRange(0), default=1, show_default=True, help="So many of them; 0: until --clear."
)
@click.option("--spare", type=click.IntRange(0), default=0, help="After so many that go well.")
@click.option("--seconds", type=float, help="Of latency or skew; the Retry-After of a status.")
@click.option("--status", type=click.IntRange(400, 599), default=503, show_default=True)
@click.option("--clear", is_flag=True, help="Take all faults away.")
@as_program
def fault(kind: str | None, count: int, clear: bool, json_: bool, **said: Any) -> None:
    """Let something go wrong with the next requests, or show what will: latency, an error status, a connection dropped before anything is done or cut when all
    is done, stale answers, a wrong Date."""
    here = Sandbox()
    if clear:
        here.clear_faults()
    if kind is not None:
        asked = {name: value for name, value in said.items() if value is not None}
        here.fault(kind=kind, count=count or None, **asked)
    told = here.faults()
    lines = [
        f"{each['kind']} {each['method']} {each['path']} {'always' if each['count'] is None else each['count']}"
        for each in told["faults"]
    ]
    _show(told, "\n".join(lines) or "no faults", json_)


def _told(known: Address) -> dict[str, Any]:
    return {"api_url": known.api_url, "api_key": known.api_key, "project": known.project, "pid": known.pid}


def _time(told: Mapping[str, Any]) -> str:
    return f"{told['now']}" + (f", {told['rate']:g} times as fast as ours" if told["rate"] != 1 else "")


def _show(told: Mapping[str, Any], words: str, json_: bool) -> None:
    if json_:
        _print_json(told)
    else:
        click.echo(words)


def _print_json(told: Mapping[str, Any]) -> None:
    click.echo(as_json(dict(told)), nl=False)


def _waiting(what: str, work: Callable[[], Result]) -> Result:
    """`work` done, with a moving line on a terminal meanwhile."""
    if not sys.stderr.isatty():
        return work()
    done = threading.Event()

    def turn() -> None:
        for mark in cycle("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"):
            click.echo(f"\r\x1b[K{mark} {what}", err=True, nl=False)
            if done.wait(0.1):
                click.echo("\r\x1b[K", err=True, nl=False)
                return

    turning = threading.Thread(target=turn, daemon=True)
    turning.start()
    try:
        return work()
    finally:
        done.set()
        turning.join()
