"""What scontrol was asked: its options, and one keyword with its words."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from flowbatch.commands import clusters
from flowbatch.commands.accounting.accounts import user_id
from flowbatch.commands.call import Call
from flowbatch.commands.command_options import VERSION, CommandOption, Stop, help_text, hint, table
from flowbatch.commands.listing.job_fields import Style, style_of
from flowbatch.core.ports import QueuePort
from flowbatch.slurm.getopt import GetoptError, Given

OPTIONS = (
    CommandOption("all", "a", help="hidden partitions too"),
    CommandOption("cluster", None, "required", key="clusters"),
    CommandOption("clusters", "M", "required", "of this cluster"),
    CommandOption("details", "d", help="more about each job"),
    CommandOption("federation", help="of the federation", verdict="recorded", reason="there is no federation"),
    CommandOption("future", "F", help="FUTURE nodes too"),
    CommandOption("help", "h", help="print this"),
    CommandOption("hide", help="leave hidden partitions out (the default)"),
    CommandOption("local", help="of this cluster", verdict="recorded", reason="there is no federation"),
    CommandOption("oneliner", "o", help="one line a record"),
    CommandOption("quiet", "Q", help="say nothing but errors"),
    CommandOption("sibling", help="of sibling clusters", verdict="recorded", reason="there is no federation"),
    CommandOption("uid", "u", "required", "change jobs as this user would (root)"),
    CommandOption("usage", help="print this"),
    CommandOption("verbose", "v", help="say what is done"),
    CommandOption("version", "V", help="print the version"),
)
TABLE = table(OPTIONS)
OPERANDS = "KEYWORD [WORD...]"


@dataclass(frozen=True)
class Asked:
    """One command line: the keyword's words and the options that were given."""

    call: Call
    queue: QueuePort
    words: tuple[str, ...]
    flags: frozenset[str] = field(default=frozenset())

    @property
    def style(self) -> Style:
        return style_of(self.call.environ, self.queue.now())

    @property
    def rented(self) -> str:
        """Why nobody administers this cluster here, beside Slurm's refusal; empty for one that is."""
        if self.queue.cluster.market is None:
            return ""
        return "scontrol: the nodes of a market are what is to be had there: flow.toml says what of it is rented\n"

    def out(self, text: str) -> None:
        self.call.out.write(text)

    def err(self, text: str) -> None:
        self.call.err.write(text)


def _acting(call: Call, name: str) -> Call:
    """The call as if another user had made it, which root alone can. Raises Stop."""
    uid = user_id(name)
    if uid is None:
        raise Stop(0, err=f'scontrol: error: --uid="{name}" invalid\n')
    if uid != call.owner.uid and call.owner.uid != 0:
        raise Stop(1, err="scontrol: error: --uid: root alone acts for another user here\n")
    return replace(call, owner=replace(call.owner, uid=uid, name=name))


async def read(call: Call, queue: QueuePort) -> Asked:
    """The words and options, and the queue they are about. Raises Stop for --help and --version, and for what scontrol
    refuses."""
    flags: set[str] = set()
    names, where = call.environ.get(clusters.VARIABLE), clusters.VARIABLE
    words: list[str] = []
    try:
        for one in TABLE.parse("scontrol", call.argv):
            if not isinstance(one, Given):
                words.append(one.word)
                continue
            key = one.row.key
            if key in ("help", "usage"):
                raise Stop(0, out=help_text("scontrol", OPERANDS, OPTIONS))
            if key == "version":
                raise Stop(0, out=VERSION + "\n")
            if key == "uid":
                call = _acting(call, one.value or "")
                continue
            if key == "clusters":
                names, where = one.value, clusters.OPTION
            flags.add(key)
    except GetoptError as error:
        raise Stop(1, err=f"{error.line}\n{hint('scontrol')}") from None
    return Asked(call, await of_cluster(call, queue, names, where), tuple(words), frozenset(flags))


async def of_cluster(call: Call, queue: QueuePort, names: str | None, where: str = clusters.OPTION) -> QueuePort:
    """The queue of the one cluster that `names` means, with None `queue`. Raises Stop for none and for several."""
    if names is not None and len(clusters.named(call.clusters, names)[0]) > 1:
        raise Stop(1, err="scontrol: fatal: Only one cluster can be used at a time with scontrol\n")
    (queue,) = await clusters.chosen(call, queue, names, "scontrol", where)
    return queue
