"""Whole lines, in bounded memory, whatever the sizes in which they arrive."""

from hypothesis import given
from hypothesis import strategies as st

from swarm_analytics_models.handoff import MAX_LINE_BYTES
from swarm_analyticsd.intake.framing import Framer, Overlong


@given(st.lists(st.binary(max_size=20).map(lambda part: part.replace(b"x", b"\n"))))
def test_every_byte_comes_out_once_and_in_order(parts: list[bytes]) -> None:
    framer = Framer()
    pieces = [piece for part in parts for piece in framer.feed(part)]
    data = b"".join(parts)
    whole = data[: data.rfind(b"\n") + 1]
    assert b"".join(piece for piece in pieces if isinstance(piece, bytes)) == whole
    assert all(isinstance(piece, bytes) and piece.endswith(b"\n") for piece in pieces)
    assert framer.pending == len(data) - len(whole)


def test_a_line_without_end_is_counted_and_not_kept() -> None:
    framer = Framer()
    block = b"x" * 100_000
    blocks = 3 * MAX_LINE_BYTES // len(block)
    for _ in range(blocks):
        assert list(framer.feed(block)) == []
        assert len(framer._tail) <= MAX_LINE_BYTES + len(block)
    assert framer.pending == blocks * len(block)
    assert list(framer.feed(b"y\nnext\nhalf")) == [Overlong(blocks * len(block) + 2), b"next\n"]
    assert framer.pending == len(b"half")
