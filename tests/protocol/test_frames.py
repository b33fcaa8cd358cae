"""The bytes that three writers must agree on."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowbatch.protocol.frames import (
    HEADER,
    LONGEST,
    MAX_FRAME,
    MAX_WORDS,
    BadFrame,
    CallFrame,
    Kind,
    frame,
    header,
    pack_call,
    unpack_call,
)

GOLDEN = Path(__file__).parent.parent / "data" / "frames"

CALL = CallFrame(
    command=b"sbatch", argv=(b"-n", b"2", b"job \xff.sh", b""), environ=(b"PATH=/bin", b"EMPTY=", b"ODD"), cwd=b"/home/alice",
    umask=0o27, columns=80, lines=24, tty=(False, True, True), sid=4242, limits=b"CPU=-1 NOFILE=1024",
)  # fmt: skip

words = st.binary(max_size=20).filter(lambda word: b"\0" not in word)


def test_a_call_is_the_golden_frame():
    assert pack_call(CALL) == (GOLDEN / "call-v1.bin").read_bytes()


def test_the_golden_frame_is_the_call():
    raw = (GOLDEN / "call-v1.bin").read_bytes()
    assert header(raw[: HEADER.size]) == (Kind.CALL, len(raw) - HEADER.size)
    assert unpack_call(raw[HEADER.size :]) == CALL


@given(
    st.builds(
        CallFrame, command=words, argv=st.lists(words).map(tuple), environ=st.lists(words).map(tuple), cwd=words,
        umask=st.integers(0, 0o777), columns=st.integers(0, 999), lines=st.integers(0, 999),
        tty=st.tuples(st.booleans(), st.booleans(), st.booleans()), sid=st.integers(0), limits=words, version=st.just(1),
    )
)  # fmt: skip
def test_calls_come_back(call):
    assert unpack_call(pack_call(call)[HEADER.size :]) == call


@pytest.mark.parametrize("kind", [Kind.CALL, Kind.DATA])
def test_what_no_client_would_send_is_refused_by_its_head(kind):
    assert header(HEADER.pack(kind, LONGEST[kind])) == (kind, LONGEST[kind])
    with pytest.raises(BadFrame, match="no flowbatch frame"):
        header(HEADER.pack(kind, LONGEST[kind] + 1))


def test_a_call_of_more_words_than_a_program_can_have_is_not_taken_apart():
    with pytest.raises(BadFrame, match="more words than a program can have"):
        unpack_call(b"flowbatch\0001\0sbatch\0" + b"\0" * MAX_WORDS)


def test_a_call_of_another_version_is_read_as_far_as_its_version():
    assert unpack_call(b"flowbatch\x002\0sbatch\0what\0ever\0").version == 2


@given(st.binary())
def test_anything_is_a_call_or_a_bad_frame(body):
    with contextlib.suppress(BadFrame):
        unpack_call(body)


@pytest.mark.parametrize("cut", range(1, 12))
def test_a_call_with_missing_words_is_a_bad_frame(cut):
    body = pack_call(CALL)[HEADER.size :]
    with pytest.raises(BadFrame):
        unpack_call(b"\0".join(body.split(b"\0")[:-cut]))


@pytest.mark.parametrize("raw", [b"\x00\0\0\0\1", b"\xff\0\0\0\1", HEADER.pack(Kind.DATA, MAX_FRAME + 1)])
def test_a_header_of_no_frame(raw):
    with pytest.raises(BadFrame, match="no flowbatch frame"):
        header(raw)


def test_a_frame_is_kind_length_body():
    assert frame(Kind.OUT, b"abc") == b"\x10\0\0\0\3abc"
