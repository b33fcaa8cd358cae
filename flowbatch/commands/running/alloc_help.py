"""The texts of salloc's --help, --usage and --version, and of options whose value is `help`."""

from __future__ import annotations

from flowbatch.commands.command_options import VERSION
from flowbatch.commands.submitting import sbatch_help
from flowbatch.directives.options import OPTIONS, Option
from flowbatch.spec.cluster import ClusterSpec

SECTIONS: sbatch_help.Sections = (
    (
        "Parallel run options:",
        "account acctg-freq bell bb bbf begin comment cpu-freq cpus-per-task dependency deadline delay-boot chdir get-user-env gid"
        " gres gres-flags hint hold immediate job-name kill-command no-kill licenses clusters container context distribution"
        " mail-type mail-user mcs-label mem-bind network ntasks nice no-bell no-shell ntasks-per-node nodes overcommit partition"
        " power prefer priority profile qos quiet reboot oversubscribe core-spec signal spread-job switches thread-spec time"
        " time-min uid use-min-nodes verbose wait-all-nodes wckey x11",
    ),
    *sbatch_help.AFTER,
)
"""Headings that tools look for, and the options below each."""

_BY_NAME: dict[str, Option] = {one.name: one for one in OPTIONS if "salloc" in one.commands}


def text(name: str, cluster: ClusterSpec) -> str:
    """What an option that asks for a text gets."""
    match name:
        case "help":
            return sbatch_help.page(
                "Usage: salloc [OPTIONS(0)...] [ : [OPTIONS(N)]] [command(0) [args(0)...]]", SECTIONS, _BY_NAME
            )
        case "usage":
            return sbatch_help.synopsis("Usage: salloc", "[command [args...]]", SECTIONS, _BY_NAME)
        case "version":
            return f"{VERSION}\n"
        case _:
            return sbatch_help.text(name, cluster)
