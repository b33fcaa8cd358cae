"""`squeue -v`: the options as squeue 22.05 lists them before it starts."""

from __future__ import annotations

from flowbatch.commands.listing.squeue_options import Wanted

_RULE = "-----------------------------"


def words(wanted: Wanted, format_text: str | None) -> str:
    """The block with every option."""
    said, flags = wanted.words, wanted.flags

    def flag(key: str) -> str:
        return "true" if key in flags else "false"

    def text(key: str) -> str:
        return said.get(key, "(null)")

    filtered = "all" in flags or "partitions" in said
    lines = {
        "all        ": "true" if filtered else "false",
        "array      ": flag("array"),
        "federation ": flag("federation"),
        "format     ": format_text or "(null)",
        "iterate    ": wanted.iterate_s,
        "job_flag   ": int("jobs" in said and "steps" not in said and "steps" not in flags),
        "jobs       ": text("jobs"),
        "licenses   ": text("licenses"),
        "local      ": flag("local"),
        "names      ": text("name"),
        "nodes      ": said.get("nodelist", ""),
        "partitions ": text("partitions"),
        "priority   ": flag("priority"),
        "reservation": text("reservation"),
        "sibling     ": flag("sibling"),
        "sort       ": text("sort"),
        "start_flag ": int("start" in flags),
        "states     ": text("states"),
        "step_flag  ": int("steps" in flags or "steps" in said),
        "steps      ": text("steps"),
        "users      ": text("users"),
        "verbose    ": wanted.verbose,
    }
    return "\n".join([_RULE, *(f"{name} = {value}" for name, value in lines.items()), _RULE]) + "\n\n\n"
