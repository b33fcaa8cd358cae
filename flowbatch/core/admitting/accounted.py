"""May this user submit on this account, with this quality of service? As far as AccountingStorageEnforce says so.

Without a slurm.conf nobody needs an association and any name of an account will do, but limits that somebody has set hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from flowbatch.core.accounting import wording
from flowbatch.core.accounting.accounts import NOBODY, NORMAL, Accounts
from flowbatch.core.accounting.usage import Claim, Group, Standing, standing, submitted
from flowbatch.core.events import Refused, Submitted
from flowbatch.core.market import caps
from flowbatch.spec.array import ArraySpec
from flowbatch.spec.cluster import ClusterSpec, PartitionSpec
from flowbatch.spec.job import UNLIMITED, JobSpec

DENIED = "ESLURM_ACCOUNTING_POLICY"


def accounted(
    cluster: ClusterSpec, accounts: Accounts, event: Submitted, spec: JobSpec, partitions: Sequence[PartitionSpec]
) -> JobSpec | Refused:
    """The job on the account, and with the quality of service, that it will count on."""
    spec = caps.paid(cluster.market, spec, [partition.name for partition in partitions])
    enforced = frozenset() if cluster.obliging else frozenset(cluster.accounting_enforce)
    if accounts == NOBODY and not enforced:
        return spec
    known = accounts.user(event.owner.name)
    name = spec.account or (known.default_account if known is not None else None)
    found = accounts.of_job(name, event.owner.name, partitions[0].name) if name is not None else None
    if found is None and "associations" in enforced:
        return Refused("ESLURM_INVALID_ACCOUNT")
    qos = spec.qos or (accounts.default_quality(found) if found is not None else None)
    if "qos" in enforced:
        qos = qos or NORMAL
        if found is None or accounts.quality(qos) is None or qos not in accounts.qualities(found):
            return Refused("ESLURM_INVALID_QOS")
    return spec.model_copy(update={"account": name, "qos": qos})


def beyond(accounts: Accounts, event: Submitted, spec: JobSpec, unfinished: Mapping[Claim, int]) -> Refused | None:
    """Too many jobs of the account, user or quality of service are in the queue already; the first limit names itself."""
    where = standing(accounts, spec.account, event.owner.name, "", spec.qos)
    count = len(spec.array.indices()) if isinstance(spec.array, ArraySpec) else 1
    for reason, group, most in _submissions(accounts, where):
        if submitted(accounts, unfinished, group) + count > most:
            return Refused(DENIED, (reason,))
    quality = where.quality
    if quality is not None and "DenyOnLimit" in quality.flags:
        most_min = quality.limits.counts.get("MaxWall")
        if most_min is not None and spec.time_limit_min is not None and not 0 <= spec.time_limit_min <= most_min:
            return Refused(DENIED, (wording.COUNTS["QOS", "MaxWall"],))
    return None


def _submissions(accounts: Accounts, where: Standing) -> Iterator[tuple[str, Group, int]]:
    own = where.quality.limits.counts if where.quality is not None else {}
    name = where.quality.name if where.quality is not None else ""
    for limit, group in (
        ("GrpSubmitJobs", ("qos", name)), ("MaxSubmitJobsPA", ("qos account", name, where.account)),
        ("MaxSubmitJobsPU", ("qos user", name, where.user)),
    ):  # fmt: skip
        if limit in own:
            yield wording.COUNTS["QOS", limit], group, own[limit]
    user: Group = ("user", where.account, where.user)
    for one in accounts.chain(where.association):
        most = one.limits.counts.get("GrpSubmitJobs")
        if most is not None and "GrpSubmitJobs" not in own:
            yield wording.COUNTS["Assoc", "GrpSubmitJobs"], user if one.user else ("account", one.account), most
    each = accounts.count(where.association, "MaxSubmitJobs")
    if each is not None and "MaxSubmitJobsPU" not in own:
        yield wording.COUNTS["Assoc", "MaxSubmitJobs"], user, each


def within_wall(accounts: Accounts, event: Submitted, spec: JobSpec) -> JobSpec:
    """A job that says no time limit has that of its account, as on 22.05."""
    if event.spec.time_limit_min is not None:
        return spec
    where = standing(accounts, spec.account, event.owner.name, "", spec.qos)
    own = where.quality.limits.counts.get("MaxWall") if where.quality is not None else None
    most = own if own is not None else accounts.count(where.association, "MaxWall")
    if most is None or (spec.time_limit_min not in (None, UNLIMITED) and (spec.time_limit_min or 0) <= most):
        return spec
    return spec.model_copy(update={"time_limit_min": most})
