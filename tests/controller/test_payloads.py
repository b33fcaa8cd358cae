"""What is kept of payloads, by what it takes in memory."""

from __future__ import annotations

import sys

import pytest

from flowbatch.controller.payloads import KEPT, LARGEST, PER_WORD, Payloads
from flowbatch.core.ports import Payload


def payload(*environment: bytes) -> Payload:
    return Payload(b"#!/bin/sh\n", environment, {}, 0o22)


def test_the_last_ones_are_kept():
    payloads = Payloads()
    for number in range(KEPT + 1):
        payloads.keep(number, payload(b"A=1"))
        assert payloads.find(1 if number else 0) is not None
    assert payloads.find(0) is None and payloads.find(1) == payload(b"A=1")


@pytest.mark.parametrize("words", [(b"A=" + bytes(LARGEST),), (b"A=1",) * (LARGEST // 10)])
def test_what_takes_much_memory_is_read_again(words):
    payloads = Payloads()
    payloads.keep(1, payload(*words))
    assert payloads.find(1) is None


def test_a_word_takes_more_than_its_bytes():
    assert abs(sys.getsizeof(b"") + sys.getsizeof((b"",)) - sys.getsizeof(()) - PER_WORD) < 8
