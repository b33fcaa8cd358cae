"""The one loop: facts in; committed, answered and ordered, in that order.

A turn takes all facts that have arrived, steps them against the queue in memory, and writes them in one synced
transaction on the store's own thread, while the event loop goes on reading sockets. Facts that arrive meanwhile wait
for the next turn, so the queue is never further ahead of the disk than the turn in flight; a snapshot may show that
turn. When the transaction fails, the queue is dropped and read again, and everyone who waited is told.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from flowbatch.clock import Clock
from flowbatch.core.effects import Effect
from flowbatch.core.events import Configured, Event, HetSubmitted, Passed, Reply, Submitted
from flowbatch.core.jobs import Job
from flowbatch.core.ports import Payload
from flowbatch.core.queue import Queue, Stepped, step
from flowbatch.core.ruling.wishes import Reread
from flowbatch.core.states import Finished
from flowbatch.core.tally import Tally
from flowbatch.errors import RuleFailed, StoreFailed
from flowbatch.failpoint import Failpoint, nowhere
from flowbatch.spec.cluster import ClusterSpec
from flowbatch.store.contract import Entry, Loaded, Store

LONGEST_NAP_S = 30
"""The wall clock may jump and a laptop sleep: a timer looks at the clock at least this often."""

RETRY_S = 1.0
"""How soon a store that failed is asked again."""

LONGEST_RETRY_S = 30.0
"""The pause before a fact of the world is told again doubles with each failure, up to this."""

TURN = 1000
"""So many facts a turn at most: those who come later wait for one commit, not for a flood."""

SETTLES_S = 0.1
"""For so long submissions alone make no pass: what their submitter does as soon as sbatch returns, as making the directory of its
job's output, comes first. Any other fact makes one at once, for all that waits. With slurmctld, too, a pass comes some moments later
(batch_sched_delay)."""

T = TypeVar("T")
log = logging.getLogger("flowbatch.loop")


@dataclass(frozen=True, slots=True)
class Order:
    """An effect, the journal line that ordered it, and the job's record as that step left it."""

    seq: int
    effect: Effect
    job: Job | None


@dataclass(slots=True)
class _Asked:
    event: Event
    payload: Payload | None
    answer: asyncio.Future[Reply]


class Loop:
    """Owns the queue. `on_commit` hears of changed records after each commit; `orders` wait to be carried out. `cluster` is
    the shape that was committed last, as administrators have it."""

    def __init__(
        self, store: Store, cluster: ClusterSpec, clock: Clock, *, step: Callable[[Queue, Event], Stepped] = step,
        queue: Callable[..., Queue] = Queue, failpoint: Failpoint = nowhere,
    ) -> None:  # fmt: skip
        self.cluster = cluster
        self._configured = cluster
        self.clock = clock
        self.orders: asyncio.Queue[Order] = asyncio.Queue()
        self.on_commit: Callable[[Iterable[Job]], None] = lambda jobs: None
        self.timers = False
        """Whether time passes: false until the truth about running placements is known."""
        self._store = store
        self._step = step
        self._make_queue = queue
        self._failpoint = failpoint
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._past = ThreadPoolExecutor(1, thread_name_prefix="history")
        self._queue: Queue | None = None
        self._inbox: list[_Asked] = []
        self._arrived = asyncio.Event()
        self._seq = 0
        self._performed = 0
        self._saved = 0
        self._passed_at: int | None = None
        self._looked_at = 0
        """What the clock said at the last look."""
        self._settles_at = 0.0
        """Until when no pass follows from submissions alone, by the event loop's clock; 0 where there was none."""
        self._stopping = False

    @property
    def queue(self) -> Queue:
        """The queue as it is now. Raises StoreFailed while it cannot be read."""
        if self._queue is None:
            raise StoreFailed("the queue could not be read again from its store")
        return self._queue

    @property
    def busy(self) -> bool:
        """Whether anything is queued, running, on the market or not yet paid, as far as is known."""
        return self._queue is None or unfinished(self._queue.jobs.values())

    async def load(self) -> Loaded:
        """Reads the queue from the store. Raises StoreFailed."""
        loaded = await self.on_disk(self._store.load)
        first = max(loaded.next_job_id, self.cluster.first_job_id)
        self._queue = self._make_queue(
            self._configured, first, loaded.jobs, loaded.departed, loaded.steps, loaded.rulings,
            loaded.tally or Tally(self.clock.now()),
        )  # fmt: skip
        self.cluster = self._queue.cluster
        self._seq = loaded.seq
        self._performed = max(self._performed, loaded.performed)
        self._saved = loaded.performed
        self._passed_at = None
        return loaded

    async def on_disk(self, ask: Callable[..., T], *words: object) -> T:
        """Asks the store, on its own thread."""
        return await asyncio.get_running_loop().run_in_executor(self._disk, ask, *words)

    async def of_the_past(self, ask: Callable[..., T], *words: object) -> T:
        """Asks the store about what was committed, beside the thread that writes: however long it takes, no commit waits for it."""
        return await asyncio.get_running_loop().run_in_executor(self._past, ask, *words)

    async def settled(self) -> None:
        """The commit in flight is over, whatever became of it."""
        await self.on_disk(lambda: None)

    async def apply(self, event: Event, payload: Payload | None = None) -> Reply:
        """Applies one fact; its reply, after the commit. Raises StoreFailed: then nothing of it happened."""
        if self._stopping:
            raise StoreFailed("the controller is stopping")
        asked = _Asked(event, payload, asyncio.get_running_loop().create_future())
        self._inbox.append(asked)
        self._arrived.set()
        return await asked.answer

    async def tell(self, fact: Event) -> None:
        """Applies a fact of the world, however often the disk fails: returns when it is committed.

        A fact that a fault of our own keeps out is left to who told it: its report is not forgotten without an order,
        and the next controller hears it again.
        """
        pause = RETRY_S
        while True:
            try:
                await self.apply(fact)
            except RuleFailed as error:
                log.error("a fact is left out", extra={"fields": {"fact": repr(fact), "why": error.message}})
                return
            except StoreFailed:
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_RETRY_S)
            else:
                return

    def performed(self, order: Order) -> None:
        """The order was carried out, and all before it: the next commit remembers it."""
        self._performed = max(self._performed, order.seq)

    def wake(self) -> None:
        """Looks at the clock and the inbox again."""
        self._arrived.set()

    async def run(self) -> None:
        """Turns until `stop`; what had arrived by then is committed."""
        while self._inbox or not self._stopping:
            self._arrived.clear()
            due = max(self._due(), self._settles_at - asyncio.get_running_loop().time())
            if due > 0 and not self._inbox:
                await self._wait(due)
                continue
            batch, self._inbox = self._inbox[:TURN], self._inbox[TURN:]
            self._passed_at = None
            if self.timers and not self._stopping and not self._settling(batch):
                # Also where nothing was due: what these facts make due, as a start in the place of an ended job, shares their commit.
                self._passed_at = self.clock.now()
                batch.append(_Asked(Passed(self._passed_at), None, asyncio.get_running_loop().create_future()))
            await self._turn(batch)
        if self._queue is not None and self._performed > self._saved:
            await self._turn([])
        self._disk.shutdown()
        self._past.shutdown()

    def _settling(self, batch: Sequence[_Asked]) -> bool:
        """Whether submissions alone have come, a moment ago."""
        now = asyncio.get_running_loop().time()
        if batch and all(_is_of_script(asked.event) for asked in batch):
            self._settles_at = self._settles_at or now + SETTLES_S
            if now < self._settles_at:
                return True
        self._settles_at = 0.0
        return False

    def stop(self) -> None:
        """No fact is taken any more; `run` returns after the last commit."""
        self._stopping = True
        self._arrived.set()

    def _due(self) -> float:
        """Seconds until time must pass: 0 or less for now."""
        if not self.timers:
            return LONGEST_NAP_S
        if self._queue is None:
            return 0
        wake, now = self._queue.next_wake(), self.clock.now()
        went_back, self._looked_at = now < self._looked_at, now
        if went_back:
            return 0
        if wake is None:
            return LONGEST_NAP_S
        if wake <= now:
            return 1 if self._passed_at == now else 0  # no fact came since: passing again would change nothing
        return min(wake - now, LONGEST_NAP_S)

    async def _wait(self, seconds: float) -> None:
        timer = asyncio.get_running_loop().call_later(seconds, self._arrived.set)
        await self._arrived.wait()
        timer.cancel()

    async def _turn(self, batch: Sequence[_Asked]) -> None:
        """Steps, commits, answers and orders a batch, or drops the queue and fails the batch."""
        try:
            if self._queue is None:
                await self.load()
            stepped = [(asked, self._step(self.queue, asked.event)) for asked in batch]
            self._failpoint("stepped")
            entries = self._entries(stepped)
            performed = self._performed
            if entries or not batch:
                await self.on_disk(self._store.commit, entries, self.queue.next_job_id, performed)
                self._saved = performed
        except StoreFailed as error:
            await self._give_up(batch, error)
            return
        except Exception as error:  # noqa: BLE001  a fault in the rules must not take the controller down
            if len(batch) <= 1:
                await self._give_up(batch, RuleFailed(f"internal error: {error!r}"))
                return
            await self._read_again()
            for asked in batch:  # each by itself: the fault of one is not the others'
                await self._turn([asked])
            return
        self._failpoint("committed")
        self._tell(stepped, entries)
        self._failpoint("replied")

    def _entries(self, stepped: Sequence[tuple[_Asked, Stepped]]) -> list[Entry]:
        """The journal's lines for the steps that did anything."""
        did = [
            (asked, s) for asked, s in stepped if s.changed or s.dropped or s.orders or s.steps or s.rulings or s.tally
        ]
        return [Entry(self._seq + n, asked.event, s, asked.payload) for n, (asked, s) in enumerate(did, 1)]

    def _tell(self, stepped: Sequence[tuple[_Asked, Stepped]], entries: Sequence[Entry]) -> None:
        for asked, result in stepped:
            if isinstance(asked.event, Configured | Reread) and result.reply is None:
                self._configured = asked.event.cluster
            if not asked.answer.done():
                asked.answer.set_result(result.reply)
        self.cluster = self.queue.cluster
        for entry in entries:
            self._seq = entry.seq
            for effect in entry.stepped.orders:
                job = entry.stepped.changed.get(effect.job_id) or self.queue.jobs.get(effect.job_id)
                self.orders.put_nowait(Order(entry.seq, effect, job))
            self.on_commit(entry.stepped.changed.values())

    async def _give_up(self, batch: Sequence[_Asked], error: StoreFailed) -> None:
        """Reads the queue again, so that nothing of `batch` is left, and tells those who waited."""
        await self._read_again()
        _fail(batch, error)
        if self._queue is None or all(isinstance(asked.event, Passed) for asked in batch):
            await asyncio.sleep(RETRY_S)  # time passes again by itself: not at once

    async def _read_again(self) -> None:
        """The queue is as the store has it; None where that cannot be read."""
        log.error("a turn failed: the queue is read again", exc_info=True)
        seen = None if self._queue is None else self._queue.quotes
        self._queue = None
        try:
            await self.load()
            self.queue.quotes = seen  # of the moment, and in no store
        except StoreFailed:
            log.exception("the queue could not be read again")


def unfinished(jobs: Iterable[Job]) -> bool:
    """Whether any of them is queued or running, or has a bid that may still cost something."""
    return any(not isinstance(job.state, Finished) or not all(bid.settled for bid in job.bids) for job in jobs)


def _is_of_script(event: Event) -> bool:
    """Whether a batch job is submitted, whose submitter does not wait for it to begin."""
    match event:
        case Submitted(spec=spec) | HetSubmitted(specs=(spec, *_)):
            return spec.is_batch
        case _:
            return False


def _fail(batch: Iterable[_Asked], error: StoreFailed) -> None:
    for asked in batch:
        if not asked.answer.done():
            asked.answer.set_exception(error)
            asked.answer.exception()  # nobody waits for a Passed
