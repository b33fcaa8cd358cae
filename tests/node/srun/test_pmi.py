"""The process manager that MPI programs find at PMI_FD, asked in both of its languages by hand."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from flowbatch.node.srun.pmi import Pmi, mapping
from flowbatch.node.srun.pmi_wire import BadMessage, Wire


class Rank:
    """One task's end of its connection."""

    def __init__(self, pmi: Pmi, rank: int, node: int) -> None:
        self.pmi = pmi
        self.ours, theirs, self.variables = pmi.connect(rank, node)
        self.end = socket.socket(fileno=theirs)
        self.end.settimeout(5)

    def say(self, text: str) -> None:
        self.end.sendall(text.encode())
        self.pmi.over(self.ours)

    def second(self, text: str) -> None:
        self.say(f"{len(text):>6}{text}")

    def heard(self) -> str:
        return self.end.recv(65536).decode()

    def asks(self, text: str) -> str:
        self.say(text)
        return self.heard()


@pytest.fixture
def aborted() -> list[bool]:
    return []


@pytest.fixture
def ranks(aborted: list[bool]) -> Iterator[list[Rank]]:
    pmi = Pmi("7.0", [(0, 1), (2,)], lambda: aborted.append(True))
    made = [Rank(pmi, rank, node) for rank, node in ((0, 0), (1, 0), (2, 1))]
    yield made
    for one in made:
        one.end.close()
        pmi.close(one.ours)


def test_what_a_task_is_told(ranks):
    told = ranks[1].variables
    assert told == {"PMI_FD": str(ranks[1].end.fileno()), "PMI_RANK": "1", "PMI_SIZE": "3", "PMI_JOBID": "7.0"}


def test_the_first_language(ranks):
    one = ranks[0]
    assert (
        one.asks("cmd=init pmi_version=1 pmi_subversion=1\n")
        == "cmd=response_to_init pmi_version=1 pmi_subversion=1 rc=0\n"
    )
    assert one.asks("cmd=get_maxes\n") == "cmd=maxes kvsname_max=256 keylen_max=256 vallen_max=1024\n"
    assert one.asks("cmd=get_my_kvsname\n") == "cmd=my_kvsname kvsname=7.0\n"
    assert one.asks("cmd=get_appnum\n") == "cmd=appnum appnum=0\n"
    assert one.asks("cmd=get_universe_size\n") == "cmd=universe_size size=3 rc=0\n"
    assert one.asks("cmd=put kvsname=7.0 key=a value=with a blank\n") == "cmd=put_result rc=0 msg=success\n"
    assert one.asks("cmd=get kvsname=7.0 key=a\n") == "cmd=get_result rc=0 msg=success value=with a blank\n"
    assert one.asks("cmd=get kvsname=7.0 key=b\n") == "cmd=get_result rc=-1 msg=key_not_found value=unknown\n"
    assert "value=(vector,(0,1,2),(1,1,1))" in one.asks("cmd=get kvsname=7.0 key=PMI_process_mapping\n")
    assert one.asks("mcmd=spawn\n").startswith("cmd=spawn_result rc=-1")
    assert one.asks("cmd=finalize\n") == "cmd=finalize_ack rc=0\n"


def test_nobody_passes_a_barrier_alone(ranks):
    for one in ranks[:2]:
        one.say("cmd=barrier_in\n")
    ranks[0].end.setblocking(False)
    with pytest.raises(BlockingIOError):
        ranks[0].heard()
    ranks[2].say("cmd=barrier_in\n")
    assert [one.heard() for one in ranks] == ["cmd=barrier_out rc=0\n"] * 3


def test_the_second_language(ranks):
    one, other = ranks[0], ranks[1]
    for each in ranks:
        assert (
            each.asks("cmd=init pmi_version=2 pmi_subversion=0\n")
            == "cmd=response_to_init pmi_version=2 pmi_subversion=0 rc=0\n"
        )
    one.second("cmd=fullinit;pmijobid=7.0;pmirank=0;threaded=FALSE;")
    said = one.heard()
    assert int(said[:6]) == len(said) - 6
    assert "cmd=fullinit-response;" in said and "rank=0;size=3;appnum=0;" in said and said.endswith("rc=0;")
    one.second("cmd=kvs-put;key=k;value=a;;b;thrid=9;")
    assert one.heard()[6:] == "cmd=kvs-put-response;thrid=9;rc=0;"
    other.second("cmd=kvs-get;jobid=7.0;srcid=-1;key=k;thrid=3;")
    assert other.heard()[6:] == "cmd=kvs-get-response;thrid=3;found=TRUE;value=a;;b;rc=0;"
    other.second("cmd=info-getjobattr;key=PMI_process_mapping;")
    assert "found=TRUE;value=(vector,(0,1,2),(1,1,1));" in other.heard()
    other.second("cmd=info-getnodeattr;key=shm;wait=TRUE;")
    one.second("cmd=info-putnodeattr;key=shm;value=/x;")
    assert one.heard()[6:] == "cmd=info-putnodeattr-response;rc=0;"
    assert other.heard()[6:] == "cmd=info-getnodeattr-response;found=TRUE;value=/x;rc=0;"
    for each in ranks:
        each.second("cmd=kvs-fence;")
    assert [each.heard()[6:] for each in ranks] == ["cmd=kvs-fence-response;rc=0;"] * 3
    one.second("cmd=finalize;")
    assert one.heard()[6:] == "cmd=finalize-response;rc=0;"


def test_one_gives_up_for_all(ranks, aborted):
    ranks[2].say("cmd=abort exitcode=3\n")
    assert aborted == [True]


def test_what_is_no_message_ends_the_connection():
    wire = Wire(version=2)
    wire.take(b"nonsense at all")
    with pytest.raises(BadMessage):
        wire.next()


@pytest.mark.parametrize(
    ("ranks", "text"),
    [
        ([(0, 1)], "(vector,(0,1,2))"),
        ([(0, 1), (2, 3)], "(vector,(0,1,2),(1,1,2))"),
        ([(0, 2), (1, 3)], "(vector,(0,1,1),(1,1,1),(0,1,1),(1,1,1))"),
    ],
)
def test_which_rank_is_where(ranks, text):
    assert mapping(ranks) == text
