"""What sbatch does to a component's options once all of them are read: conflicts, what follows from them, warnings.

The checks stand in sbatch's order. Some end the submission at once; others say their error and let the rest speak.
Nothing here asks the controller.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from flowbatch import text
from flowbatch.directives.chosen import Chosen, FileWanted, Surroundings
from flowbatch.directives.refusal import USAGE, Message, Refusal, error, fatal
from flowbatch.directives.values import export
from flowbatch.slurm import hostlist
from flowbatch.slurm.hostlist import InvalidHostlist
from flowbatch.spec.resources import NodeCount


def verify(chosen: Chosen, around: Surroundings) -> Iterator[Message]:
    """Settles `chosen`. Raises Refusal where sbatch stops at once, FileWanted for a list of nodes that stands in a file."""
    _gpu_tasks(chosen, around)
    yield from _specialized(chosen, around)
    if "threads-per-core" in chosen:
        yield Message("verbose", "Setting --cpu-bind=threads as a default of --threads-per-core use")
    _memory_kinds(chosen, around)
    if "quiet" in chosen and chosen.get("verbose"):
        yield Message("error", "don't specify both --verbose (-v) and --quiet (-Q)")
    if "bb" in chosen and "bbf" in chosen:
        raise error(around.command, "Cannot specify both --burst-buffer and --bbf", option="bbf")
    _burst_buffer(chosen, around)
    yield from _hint(chosen)
    _host_file(chosen, around)
    _node_lists(chosen, around)
    if chosen.get("ntasks", 0) < 0:
        yield Message("error", f"invalid number of tasks (-n {chosen.get('ntasks')})")
    if chosen.get("cpus-per-task", 1) <= 0:
        yield Message("error", f"invalid number of cpus per task (-c {chosen.get('cpus-per-task')})")
    if "mincpus" in chosen and "cpus-per-task" in chosen:
        chosen.set("mincpus", max(chosen.get("mincpus"), chosen.get("cpus-per-task")))
    yield from _nodes_of_list(chosen)
    yield from _implied_tasks(chosen, around)
    yield from _no_more_nodes_than_tasks(chosen)
    if "begin" in chosen and "deadline" in chosen and chosen.get("begin") > chosen.get("deadline"):
        yield Message("error", "Incompatible begin and deadline time specification")
    _paths(chosen, around)


def _by_environment(chosen: Chosen, name: str) -> bool:
    origin = chosen.origin(name)
    return origin is not None and origin.place == "environment"


_AGAINST_GPU_TASKS = ("gpus-per-task", "gpus-per-socket", "ntasks-per-node")


def _gpu_tasks(chosen: Chosen, around: Surroundings) -> None:
    """--ntasks-per-gpu and --ntasks-per-tres are one thing, and exclude other ways to count tasks."""
    gpu, tres = chosen.get("ntasks-per-gpu"), chosen.get("ntasks-per-tres")
    if gpu is None and tres is None:
        return
    if gpu is not None and tres is not None and gpu != tres:
        sentence = f"Inconsistent values set to --ntasks-per-gpu={gpu} and --ntasks-per-tres={tres} "
        raise fatal(around.command, sentence, option="ntasks-per-tres")
    for name in _AGAINST_GPU_TASKS:
        if name in chosen:
            said = "SLURM_" + name.replace("-", "_").upper() if _by_environment(chosen, name) else f"--{name}"
            sentence = f"{said} is mutually exclusive with --ntasks-per-gpu and SLURM_NTASKS_PER_GPU"
            raise fatal(around.command, sentence, option=name)


def _specialized(chosen: Chosen, around: Surroundings) -> Iterator[Message]:
    """--core-spec and --thread-spec share one place; neither is allowed by Slurm's default configuration."""
    said = [name for name in ("core-spec", "thread-spec") if name in chosen]
    if not said:
        return
    if len(said) == 2:
        places = [_by_environment(chosen, name) for name in said]
        if all(places):
            both = "Both --core-spec and --thread-spec set using environment variables."
            raise fatal(around.command, f"{both} Those options are mutually exclusive.", option="thread-spec")
        if not any(places):
            sentence = "-S/--core-spec and --thred-spec options are mutually exclusive"
            raise fatal(around.command, sentence, option="thread-spec")
        if not _from_script(chosen, said[places.index(False)]):
            chosen.values.pop(said[places.index(True)], None)
        else:
            chosen.values.pop(said[places.index(False)], None)
    kept = "-S" if chosen.values.get("core-spec") is not None else "--thread-spec"
    why = "since it's not allowed by configuration (AllowSpecResourcesUsage = No)"
    yield Message("notice", f"Ignoring {kept} {why}")


def _from_script(chosen: Chosen, name: str) -> bool:
    origin = chosen.origin(name)
    return origin is not None and origin.place == "script"


_MEMORY = ("mem", "mem-per-cpu", "mem-per-gpu")


def _memory_kinds(chosen: Chosen, around: Surroundings) -> None:
    """One kind of memory; what a variable says gives way to what was said by hand."""
    variables = [name for name in _MEMORY if name in chosen and _by_environment(chosen, name)]
    by_hand = [name for name in _MEMORY if name in chosen and name not in variables]
    if len(by_hand) > 1:
        sentence = "--mem, --mem-per-cpu, and --mem-per-gpu are mutually exclusive."
        raise fatal(around.command, sentence, option=max(by_hand, key=lambda name: chosen.order(name)))
    if by_hand:
        for name in variables:
            chosen.forget(name)
    elif len(variables) > 1:
        sentence = "SLURM_MEM_PER_CPU, SLURM_MEM_PER_GPU, and SLURM_MEM_PER_NODE are mutually exclusive."
        raise fatal(around.command, sentence, option=variables[-1])


def _burst_buffer(chosen: Chosen, around: Surroundings) -> None:
    """The file of --bbf must hold something. Raises Refusal and FileWanted."""
    path = chosen.get("bbf")
    if path is None:
        return
    if path not in around.files:
        raise FileWanted(path)
    if isinstance(around.files[path], int) or not around.files[path]:
        raise error(around.command, "Invalid --bbf specification", option="bbf")


_AGAINST_HINT = ("ntasks-per-core", "threads-per-core", "extra-node-info")
_HINTED = {
    "compute_bound": ("threads-per-core",),
    "memory_bound": ("cores-per-socket", "threads-per-core"),
    "nomultithread": ("threads-per-core",),
}
"""What a hint stands for: one of each."""
_EXCLUSIVE_HINT = (
    "Following options are mutually exclusive with --hint: --ntasks-per-core, --threads-per-core, -B and --cpu-bind"
)


def _hint(chosen: Chosen) -> Iterator[Message]:
    """A hint gives way to what it stands for; of two places, what was said by hand wins."""
    others = [name for name in _AGAINST_HINT if name in chosen]
    if "hint" not in chosen:
        return
    if not others:
        for word in chosen.get("hint").lower().split(","):
            for name in _HINTED.get(word, ()):
                chosen.set(name, 1)
        return
    hint_by_variable = _by_environment(chosen, "hint")
    others_by_variable = all(_by_environment(chosen, name) for name in others)
    if others_by_variable and not hint_by_variable:
        for name in others:
            chosen.forget(name)
        return
    chosen.forget("hint")
    if not hint_by_variable:
        yield Message("verbose", f"{_EXCLUSIVE_HINT} (other then --cpu-bind=verbose). Ignoring --hint.")
    elif others_by_variable:
        why = "but more than one set by environment variables. Ignoring SLURM_HINT."
        yield Message("verbose", f"{_EXCLUSIVE_HINT}, {why}")


def hosts_of_file(path: str, around: Surroundings) -> str:
    """The list of nodes in a file: one or more a line, # begins a comment. Raises Refusal and FileWanted."""
    if path not in around.files:
        raise FileWanted(path)
    raw = around.files[path]
    if isinstance(raw, int):
        why = f"slurm_allocate_resources error opening file {path}, {os.strerror(raw)}"
        raise error(around.command, why)
    lines = (line.partition("#")[0] for line in text.decode(raw).split("\n"))
    listed = [part for line in lines for part in line.split(",") if part.strip()]
    if not listed:
        raise error(around.command, "Hostlist is empty!")
    try:
        return hostlist.fold(name for part in listed for name in ([part] if " " in part else hostlist.expand(part)))
    except InvalidHostlist:
        return ",".join(listed)


def _host_file(chosen: Chosen, around: Surroundings) -> None:
    """SLURM_HOSTFILE: an arbitrary distribution over the nodes of a file, where no list of nodes was given."""
    if around.host_file is None or chosen.get("nodelist") is not None or chosen.get("nodefile") is not None:
        return
    path = around.host_file if "/" in around.host_file else f"./{around.host_file}"
    try:
        chosen.set("nodelist", hosts_of_file(path, around))
    except Refusal as stop:
        stop.lines += (f"{around.command}: error: Failure getting NodeNames from hostfile",)
        raise
    chosen.set("distribution", "arbitrary")


def _node_lists(chosen: Chosen, around: Surroundings) -> None:
    """A / in a list of nodes makes it the name of a file with the list; --nodefile always names one."""
    for name in ("nodelist", "exclude"):
        listed = chosen.get(name)
        if listed and "/" in listed:
            chosen.set(name, hosts_of_file(listed, around))
    path = chosen.get("nodefile")
    if path is None:
        return
    try:
        chosen.set("nodelist", hosts_of_file(path, around))
    except Refusal as stop:
        lines = (*stop.lines, f"{around.command}: error: Invalid --nodefile node file")
        raise Refusal(stop.message, lines, USAGE, option="nodefile") from None


def _names(listed: str | None) -> list[str]:
    """The different nodes of a list, in Slurm's order; none where it cannot be read."""
    try:
        return sorted(set(hostlist.expand(listed or "")), key=hostlist.sort_key)
    except InvalidHostlist:
        return []


def _nodes_of_list(chosen: Chosen) -> Iterator[Message]:
    """A list of nodes is the least number of them; an empty one is no nodes, which the controller refuses."""
    listed = chosen.get("nodelist")
    count = len(_names(listed))
    nodes: NodeCount | None = chosen.get("nodes")
    if nodes is None and listed is not None and not listed.strip(","):
        chosen.set("nodes", NodeCount(minimum=0, maximum=0))
    if not count:
        return
    if nodes is None:
        chosen.set("nodes", NodeCount(minimum=count, maximum=None))
        return
    if nodes.maximum and nodes.maximum < count:
        yield Message("error", f"invalid number of nodes (-N {count}-{nodes.maximum})")
    if nodes.minimum < count:
        chosen.set("nodes", NodeCount(minimum=count, maximum=nodes.maximum or None))


def _implied_tasks(chosen: Chosen, around: Surroundings) -> Iterator[Message]:
    """The shape of a node asks for a task on each thread that it names, on a number of nodes that is certain: said by -B, or
    beside a number of nodes, which srun does not look at."""
    if "ntasks" in chosen or "ntasks-per-node" in chosen:
        return
    if "extra-node-info" not in chosen and (around.command == "srun" or chosen.get("nodes") is None):
        return
    shape = [chosen.get(name) for name in ("sockets-per-node", "cores-per-socket", "threads-per-core")]
    if all(part is None for part in shape):
        return
    nodes: NodeCount | None = chosen.get("nodes")
    if nodes and nodes.maximum not in (None, 0, nodes.minimum):
        return
    tasks = max(1, nodes.minimum) if nodes else 1
    for part in shape:
        tasks *= 1 if part is None else part
    chosen.set("ntasks", tasks)
    if tasks == 0 and nodes is None:
        chosen.set("nodes", NodeCount(minimum=0, maximum=0))
    yield Message("verbose", f"Number of tasks implicitly set to {tasks}.")


def _no_more_nodes_than_tasks(chosen: Chosen) -> Iterator[Message]:
    nodes: NodeCount | None = chosen.get("nodes")
    if "ntasks" not in chosen or nodes is None:
        return
    tasks = chosen.get("ntasks")
    least, most = nodes.minimum, nodes.maximum
    if least > tasks:
        yield Message("info", f"Warning: can't run {tasks} processes on {least} nodes, setting nnodes to {tasks}")
        least = max(0, tasks)
        names = _names(chosen.get("nodelist"))
        if len(names) > least:
            chosen.set("nodelist", hostlist.fold(names[:least]))
    if most is not None and most > tasks:
        most = max(0, tasks)
    chosen.set("nodes", NodeCount(minimum=least, maximum=most))


def _paths(chosen: Chosen, around: Surroundings) -> None:
    """Paths become absolute: the working directory from the caller's, files from the working directory."""
    work_dir = _absolute(chosen.get("chdir"), around.cwd) or around.cwd
    if "chdir" in chosen:
        chosen.set("chdir", work_dir)
    for name in ("output", "error", "input"):
        path = chosen.get(name)
        if path is not None:
            chosen.set(name, "/dev/null" if path.lower() == "none" else _absolute(path, work_dir))


def _absolute(path: str | None, base: str) -> str | None:
    return path if path is None or path.startswith("/") else f"{base}/{path}"


def check_submission(chosen: Chosen, around: Surroundings) -> Iterator[Message]:
    """What sbatch looks at after its list of options is printed. Raises Refusal."""
    if str(chosen.get("distribution") or "").startswith("arbitrary") and not chosen.get("nodelist"):
        sentence = "With Arbitrary distribution you need to specify a nodelist or hostfile with the -w option"
        raise error(around.command, sentence, option="distribution")
    asked = str(chosen.get("propagate") or "ALL")
    for limit in [] if asked in ("ALL", "NONE") else asked.split(","):
        if limit and limit not in LIMITS:
            stop = error(around.command, f"Bad rlimit name: {limit}", option="propagate")
            stop.lines += (f"{around.command}: error: --propagate={asked} is not valid.",)
            raise stop
    for name, value in export.parse(chosen.get("export")).variables if chosen.get("export") else ():
        if value and value[0] in "\"'" and (len(value) < 2 or value[0] != value[-1]):
            yield Message("notice", f"Improperly formed environment variable ({name}={value})")


LIMITS = ("AS", "CORE", "CPU", "DATA", "FSIZE", "MEMLOCK", "NOFILE", "NPROC", "RSS", "STACK")
"""The limits that --propagate may name."""
