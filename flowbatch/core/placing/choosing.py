"""Which of the offering nodes a job takes, and how many CPUs of each: as select/cons_tres does it on 22.05.

Lighter nodes come first; among nodes of one weight, a run of neighbours that suffices and is smallest, else the largest
run; a single node that suffices is the one with the fewest CPUs to spare. If that fails, the nodes with least to offer
are left out, step by step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter, ge

from flowbatch.core.placing.offers import Offer
from flowbatch.core.placing.sizing import Demand


@dataclass(frozen=True, slots=True)
class Pick:
    """A chosen node, with the CPUs and the gres (by the demand's wants) that it is to give."""

    offer: Offer
    cpus: int
    gres: tuple[int, ...]


def choose(need: Demand, offers: Sequence[Offer], required: frozenset[str]) -> list[Pick] | None:
    """The nodes to use, in the cluster's order, or None if the offers do not suffice."""
    for least in sorted({0, *(offer.cpus for offer in offers if offer.node.name not in required)}):
        kept = [offer for offer in offers if offer.cpus >= least or offer.node.name in required]
        if len(kept) < need.min_nodes:
            break
        picks = _Search(need).run(kept, required)
        if picks is not None:
            return sorted(picks, key=lambda pick: pick.offer.position)
    return None


class _Search:
    """One greedy walk over the offers."""

    def __init__(self, need: Demand) -> None:
        self.need = need
        self.picks: list[Pick] = []
        self.required: set[int] = set()
        self.cpus_left = need.cpus
        self.gres_left = [want.count if want.per == "job" else 0 for want in need.gres]

    def run(self, offers: Sequence[Offer], required: frozenset[str]) -> list[Pick] | None:
        for offer in offers:
            if offer.node.name in required:
                self.required.add(offer.position)
                self._take(offer)
        rest = [offer for offer in offers if offer.node.name not in required]
        for weight in sorted({offer.node.weight for offer in rest}):
            if self._done():
                break
            self._take_from([offer for offer in rest if offer.node.weight == weight])
        return self.picks if self._suffices() else None

    def _take_from(self, offers: list[Offer]) -> None:
        """Takes nodes of one weight until enough."""
        if any(want.per != "node" for want in self.need.gres) and not self.need.contiguous:
            single = self._single(offers)
            in_order = sorted(offers, key=lambda offer: -sum(offer.gres))
            self._take_all([single] if single else in_order)
            return
        runs = _runs(offers, frozenset(pick.offer.position for pick in self.picks))
        while runs and not self._done():
            best = min(runs, key=self._badness)
            runs = [] if self.need.contiguous else [run for run in runs if run is not best]
            in_order = self._onwards(best)
            single = self._single(in_order)
            self._take_all([single] if single else in_order)

    def _take_all(self, offers: Sequence[Offer]) -> None:
        for offer in offers:
            if self._done() or self._full():
                return
            self._take(offer)

    def _onwards(self, run: list[Offer]) -> list[Offer]:
        """The run from the required node it touches upwards, then downwards; in order if it touches none."""
        if not self.required:
            return run
        start = min(self.required)
        below = [offer for offer in run if offer.position < start]
        return [offer for offer in run if offer.position > start] + below[::-1]

    def _single(self, offers: Sequence[Offer]) -> Offer | None:
        """The one node that is enough, if one more node is all that is wanted."""
        if self.need.wanted_nodes - len(self.picks) > 1:
            return None
        cpus, gres = self.cpus_left, self.gres_left
        enough = [offer for offer in offers if offer.cpus >= cpus and all(map(ge, offer.gres, gres))]
        return min(enough, key=attrgetter("cpus"), default=None)

    def _badness(self, run: list[Offer]) -> tuple[bool, int, int]:
        """The least of these is the run to take: sufficient and small, else large; the first of equals."""
        cpus = sum(offer.cpus for offer in run)
        sufficient = self._enough(run) and len(run) >= self.need.min_nodes - len(self.picks)
        return (not sufficient, cpus if sufficient else -cpus, run[0].position)

    def _enough(self, offers: Sequence[Offer]) -> bool:
        cpus = sum(offer.cpus for offer in offers)
        gres = [sum(offer.gres[i] for offer in offers) for i in range(len(self.gres_left))]
        return cpus >= self.cpus_left and all(have >= want for have, want in zip(gres, self.gres_left, strict=True))

    def _take(self, offer: Offer) -> None:
        need = self.need
        others = max(0, need.min_nodes - len(self.picks) - 1)
        gres = tuple(self._gres(i, offer, others) for i in range(len(need.gres)))
        gpus = need.gpus(gres)
        floor = max(need.cpus_per_node, gpus * (need.cpus_per_gpu or 0))
        if need.cpus_per_gpu and need.tasks is None and gpus:
            cpus = min(offer.cpus, floor)
        else:
            reserve = others * max(need.cpus_per_node, offer.grain)
            cpus = min(offer.cpus, max(self.cpus_left - reserve, floor))
        self.picks.append(Pick(offer, cpus, gres))
        self.cpus_left -= cpus
        for i, count in enumerate(gres):
            self.gres_left[i] -= count if need.gres[i].per == "job" else 0

    def _gres(self, index: int, offer: Offer, others: int) -> int:
        """How much of one want this node gives; of a job's own, one is left for each node that must still come."""
        want, have = self.need.gres[index], offer.gres[index]
        if want.per != "job":
            return want.count if want.per == "node" else 0
        if want.name == "gpu" and self.need.cpus_per_gpu:
            have = min(have, offer.cpus // self.need.cpus_per_gpu)
        for other, count in zip(self.need.gres, offer.gres, strict=True):
            if other.per == "node" and other.name == want.name:
                have = min(have, other.count, count)
        return max(0, min(have, max(self.gres_left[index] - others, 1)))

    def _full(self) -> bool:
        return self.need.max_nodes is not None and len(self.picks) >= self.need.max_nodes

    def _done(self) -> bool:
        enough = self.cpus_left <= 0 and not any(left > 0 for left in self.gres_left)
        return self._full() or (len(self.picks) >= self.need.wanted_nodes and enough)

    def _suffices(self) -> bool:
        need, count = self.need, len(self.picks)
        return (
            count >= need.min_nodes
            and (need.max_nodes is None or count <= need.max_nodes)
            and self.cpus_left <= 0
            and not any(left > 0 for left in self.gres_left)
        )


def _runs(offers: Sequence[Offer], taken: frozenset[int]) -> list[list[Offer]]:
    """Maximal runs of neighbouring nodes; nodes that are taken already part no neighbours."""
    runs: list[list[Offer]] = []
    for offer in offers:
        between = range(runs[-1][-1].position + 1, offer.position) if runs else range(1)
        if runs and taken.issuperset(between):
            runs[-1].append(offer)
        else:
            runs.append([offer])
    return runs
