"""Output files as they grow."""

from __future__ import annotations

import io
import json
import os
import threading

import pytest

from flowbatch.node import outputs
from tests.node.jobs import until


class Pieces(io.BytesIO):
    def texts(self):
        copy = io.BytesIO(self.getvalue())
        while head := copy.readline():
            piece = json.loads(head)
            yield piece["file"], piece["at"], copy.read(piece["bytes"])


@pytest.fixture
def tail():
    """Begins to tell of files; gives what was told, and how to end it."""
    reading, writing = os.pipe()
    threads = []

    def begin(*asked):
        pieces = Pieces()
        source = open(reading, "rb", buffering=0)  # noqa: SIM115  closed by `end`
        os.write(writing, json.dumps(asked).encode() + b"\n")
        threads.append(threading.Thread(target=outputs.tail, args=(source, pieces, 0.01)))
        threads[0].start()

        def end():
            os.close(writing)
            threads[0].join(10)
            source.close()

        return pieces, end

    return begin


def test_what_is_added_is_told_from_the_offset_on_and_the_rest_at_the_end(tail, tmp_path):
    (tmp_path / "a").write_text("old new")
    pieces, end = tail([str(tmp_path / "a"), 4], [str(tmp_path / "b"), 0])
    until(lambda: list(pieces.texts()) == [(0, 4, b"new")])
    (tmp_path / "b").write_text("late")
    until(lambda: list(pieces.texts())[1:] == [(1, 0, b"late")])
    with open(tmp_path / "a", "a") as file:
        file.write("!" * (outputs.CHUNK + 1))
    end()
    assert b"".join(data for index, _, data in pieces.texts() if index == 0) == b"new" + b"!" * (outputs.CHUNK + 1)


def test_a_file_that_was_cut_is_told_from_its_start(tail, tmp_path):
    (tmp_path / "a").write_text("one two")
    pieces, end = tail([str(tmp_path / "a"), 0])
    until(lambda: list(pieces.texts()))
    (tmp_path / "a").write_text("3")
    until(lambda: list(pieces.texts())[1:] == [(0, 0, b"3")])
    end()
