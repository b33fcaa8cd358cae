"""`flow-plan [--json] -- WORD...`: what would be rented for a job and what it could cost; nothing is submitted."""

from __future__ import annotations

from collections.abc import Sequence

from tabulate import tabulate

from flowbatch.commands.call import Call
from flowbatch.commands.command_options import Stop
from flowbatch.commands.flow.flow_bids import over, whose
from flowbatch.commands.flow.flow_pricing import snapshot
from flowbatch.commands.flow.flow_request import Asked, request
from flowbatch.commands.flow.flow_results import BudgetLeft, DryRun, PlanRow, as_json
from flowbatch.commands.flow.flow_submit import in_our_name, named, refusal
from flowbatch.commands.submitting import sbatch, sbatch_help
from flowbatch.commands.submitting.sbatch import Request, Understood
from flowbatch.core.events import Refused, WouldStart
from flowbatch.core.market import caps
from flowbatch.core.market.budgets import Ledger
from flowbatch.core.market.means import Funded, Short, means
from flowbatch.core.market.plans import Plan, plans
from flowbatch.core.ports import QueuePort, Snapshot
from flowbatch.directives.diagnosis import DirectiveError
from flowbatch.directives.settings import Help
from flowbatch.slurm.times import short_clock
from flowbatch.spec.array import ArraySpec
from flowbatch.spec.job import JobSpec
from flowbatch.spec.policy import MarketPolicy
from flowbatch.units import dollars, rounded

COMMAND = "flow submit"


async def plan(call: Call, queue: QueuePort) -> int:
    """Prints the plan and its alternatives, or one DryRun; 0 if the job would be accepted."""
    try:
        asked = Asked.of(call.argv)
        understood = await request(call, queue, asked.words)
        wanted = named(understood, await sbatch.prepare(call, understood))
        queue = await sbatch.where(call, queue, wanted)
        seen = await snapshot(queue) if queue.cluster.market is not None else queue.snapshot()
    except DirectiveError as error:
        call.err.write(error.diagnosis.screen(COMMAND) + "\n")
        return error.exit_code
    except Stop as stop:
        call.err.write(in_our_name(COMMAND, stop))
        return 1
    except Help as help_:
        call.out.write(sbatch_help.text(help_.option, queue.cluster))
        return help_.exit_code
    reply = await sbatch.ask(call, queue, wanted, True)
    if isinstance(reply, Refused):
        call.err.write(refusal(reply, wanted.submission.chosen).screen(COMMAND) + "\n")
        return 1
    assert isinstance(reply, WouldStart)
    start = sbatch.would_start(call, queue, reply)
    done = dry_run(seen, understood, wanted, start)
    call.out.write(as_json(done) if asked.json else screen(done))
    await call.out.drain()
    return 0


def dry_run(seen: Snapshot, understood: Understood, wanted: Request, start: str) -> DryRun:
    """What would happen to the job, accepted, with the market as it was seen."""
    cluster, policy, spec = seen.cluster, seen.cluster.market, wanted.spec
    tasks = len(spec.array.indices()) if isinstance(spec.array, ArraySpec) else 1
    if policy is None:
        return DryRun(
            cluster.name, spec.name, tasks, "now", f"{start}. It costs nothing: nothing is rented", None, (), ()
        )
    names = [name for name in spec.partitions if cluster.partition(name) is not None]
    spec = _paid(policy, spec, names or [default.name for default in [cluster.default_partition] if default])
    ledger = Ledger.at(policy, seen.at, seen.departed, seen.jobs)
    found = [(one, means(ledger, spec, 0, one)) for one in plans(cluster, seen.quotes, spec, names)]
    takes = next((one for one, paid in found if _biddable(one) and isinstance(paid, Funded)), None)
    rows = tuple(_row(policy, spec, understood, one, paid, one is takes, seen) for one, paid in found)
    chosen = next((row for row in rows if row.why_not is None), None)
    return DryRun(
        cluster=cluster.name, name=spec.name, tasks=tasks, start=_start(takes), says=_says(takes, found), chosen=chosen,
        budgets=tuple(_budgets(ledger, spec)), plans=tuple(row for row in rows if row is not chosen),
    )  # fmt: skip


def _paid(policy: MarketPolicy, spec: JobSpec, partitions: Sequence[str]) -> JobSpec:
    """The job with the account that pays for it."""
    accounts = {caps.account(policy, spec, name) for name in partitions}
    return spec.model_copy(update={"account": accounts.pop() if len(accounts) == 1 else spec.account})


def _biddable(one: Plan) -> bool:
    return one.fits and one.price_micro_usd is not None


def _row(
    policy: MarketPolicy,
    spec: JobSpec,
    understood: Understood,
    one: Plan,
    paid: Funded | Short,
    takes: bool,
    seen: Snapshot,
) -> PlanRow:
    node = seen.cluster.node(one.node)
    cloud = node.cloud if node is not None else None
    why = one.why_not
    if one.fits and isinstance(paid, Short):
        why = over(paid)
    elif one.fits and why is None and not takes:
        why = "another one is taken"
    return PlanRow(
        instance_type=one.instance_type, region=one.region, gpu=cloud.gpu if cloud else None, gpus=cloud.gpus if cloud else 0,
        price_micro_usd=one.price_micro_usd, capacity=one.capacity, limit_micro_usd=one.limit_micro_usd,
        limit_from=_limit_from(policy, spec, understood, one, seen),
        run_limit_s=paid.run_limit_s if isinstance(paid, Funded) else one.run_limit_s,
        longest_s=caps.longest_s(policy, paid.run_limit_s if isinstance(paid, Funded) else one.run_limit_s),
        worst_micro_usd=paid.worst_micro_usd if isinstance(paid, Funded) else one.worst_micro_usd,
        fits=one.fits, why_not=None if takes else why,
    )  # fmt: skip


def _limit_from(policy: MarketPolicy, spec: JobSpec, understood: Understood, one: Plan, seen: Snapshot) -> str:
    """Who said the limit price."""
    node = seen.cluster.node(one.node)
    if node is None or node.cloud is None:
        return "default"
    said, source = caps.limit_price(policy, spec, one.partition, node.cloud)
    if source == "job":
        uses = [use for use in understood.market.uses if use.option.field == "limit_price"]
        return f"said by {uses[-1].origin}" if uses else "said by the job"
    if source == "partition":
        return f"of partition {one.partition}"
    if source == "account":
        return f"of account {spec.account}"
    return f"the default for {node.cloud.gpu or 'machines without GPUs'}: {dollars(said.micro_usd_per_hour)} a GPU-hour"


def _budgets(ledger: Ledger, spec: JobSpec) -> list[BudgetLeft]:
    """What the budgets that the job counts against have left now."""
    own = spec.market.budget_micro_usd
    return [
        *([] if own is None else [BudgetLeft("the job", own, own)]),
        *(
            BudgetLeft(whose(budget), budget.micro_usd, max(0, budget.micro_usd - ledger.used(budget)))
            for budget in ledger.binding(spec.account)
        ),
    ]


def _start(takes: Plan | None) -> str:
    if takes is None:
        return "budget"
    if takes.winnable:
        return "now"
    return "price" if takes.outbid else "capacity"


def _says(takes: Plan | None, found: Sequence[tuple[Plan, Funded | Short]]) -> str:
    """When it would start, in words."""
    if takes is None:
        short = next((paid for one, paid in found if one.fits and isinstance(paid, Short)), None)
        if short is None:
            return "it waits until the market shows a price"
        return f"it waits, {over(short)}"
    place = f"{takes.instance_type} in {takes.region}"
    if takes.winnable:
        return f"a bid for {place} would win at the next round of the auction; then the machine boots"
    if takes.outbid:
        return f"it waits in {takes.region} until the price falls to {dollars(takes.limit_micro_usd)}, or another place is cheaper"
    return f"it waits until {place} has a machine free, or another place has"


def screen(done: DryRun) -> str:
    """The plan for a reader."""
    chosen = done.chosen
    many = f" ({done.tasks} tasks, each)" if done.tasks > 1 else ""
    facts = {"job": f"{done.name} on cluster {done.cluster}{many}", "start": done.says}
    if chosen is not None:
        gpus = f" ({chosen.gpus} {chosen.gpu})" if chosen.gpus else ""
        price = "not known" if chosen.price_micro_usd is None else f"{dollars(chosen.price_micro_usd)} an hour now"
        rest = short_clock(chosen.longest_s - chosen.run_limit_s)
        facts |= {
            "machine": f"{chosen.instance_type}{gpus} in {chosen.region}, {chosen.capacity} free",
            "price": price,
            "limit": f"{dollars(chosen.limit_micro_usd)} an hour, {chosen.limit_from}",
            "run time": f"{short_clock(chosen.run_limit_s)} at most, then the machine ends it",
            "worst case": f"{rounded(chosen.worst_micro_usd)}: all of it at the limit, and {rest} to boot, upload and bring"
            " the results back",
        }
    for left in done.budgets:
        facts[f"budget {left.whose}"] = f"{rounded(left.left_micro_usd)} of {dollars(left.micro_usd)} left"
    width = max(map(len, facts))
    text = "".join(f"{name:{width}}  {value}\n" for name, value in facts.items())
    return text + (f"\n{_others(done.plans)}" if done.plans else "")


def _others(rows: Sequence[PlanRow]) -> str:
    """Why the others lost: what would do, each; what would not, once for each reason."""
    wrong: dict[str, set[str]] = {}
    for row in rows:
        if not row.fits:
            wrong.setdefault(row.why_not or "", set()).add(row.instance_type)
    headers = ("NOT TAKEN", "REGION", "PRICE/H", "CAP/H", "FREE", "WORST CASE", "WHY NOT")
    body = [
        (
            row.instance_type, row.region, "" if row.price_micro_usd is None else dollars(row.price_micro_usd),
            dollars(row.limit_micro_usd), str(row.capacity), rounded(row.worst_micro_usd), row.why_not or "",
        )
        for row in rows if row.fits
    ]  # fmt: skip
    body += [
        (f"{len(types)} types" if len(types) > 1 else min(types), "", "", "", "", "", why)
        for why, types in wrong.items()
    ]
    align = ("left", "left", "right", "right", "right", "right", "left")
    return tabulate(body, headers, tablefmt="plain", disable_numparse=True, colalign=align) + "\n"
