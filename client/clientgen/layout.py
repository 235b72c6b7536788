"""Python text laid out as ``ruff format`` lays it out, so that formatting generated code changes nothing."""

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

LINE_LENGTH: Final = 110
"""Characters; the same as ``tool.ruff.line-length`` in pyproject.toml."""

INDENT: Final = "    "


@dataclass(frozen=True, slots=True)
class Group:
    """Brackets around items: on one line, or, where that is too long, one item a line."""

    opening: str
    items: "Sequence[Piece]"
    closing: str


@dataclass(frozen=True, slots=True)
class Chain:
    """Pieces one after the other. Where they are too long, each is split and `operator` starts a new line."""

    pieces: "Sequence[Piece]"
    operator: str = ""


Piece: TypeAlias = str | Group | Chain


def flat(piece: Piece) -> str:
    """`piece` on one line."""
    match piece:
        case str():
            return piece
        case Group(opening, items, closing):
            return opening + ", ".join(map(flat, items)) + closing
        case Chain(pieces, operator):
            return operator.join(map(flat, pieces))


def lay_out(piece: Piece, indent: str, reserve: int = 0) -> str:
    """`piece` as it stands after `indent`, split where one line, `reserve` included, would be too long."""
    if len(indent) + len(flat(piece)) + reserve <= LINE_LENGTH:
        return flat(piece)
    match piece:
        case str():
            return piece
        case Group(opening, items, closing):
            inner = indent + INDENT
            comma = "" if opening.endswith("[") and len(items) == 1 else ","
            lines = [f"{inner}{lay_out(item, inner, 1)}{comma}\n" for item in items]
            return f"{opening}\n{''.join(lines)}{indent}{closing}"
        case Chain(pieces, operator):
            joint = f"\n{indent}{operator.lstrip()}" if operator else ""
            return joint.join(lay_out(part, indent, LINE_LENGTH) for part in pieces)


def docstring(paragraphs: Iterable[str], indent: str) -> str:
    """A docstring of `paragraphs`, wrapped; line breaks within the later ones are kept."""
    first, *rest = paragraphs
    lines = _wrap(first, indent, room=6 if not rest else 3)
    for paragraph in rest:
        lines.append("")
        for line in paragraph.splitlines():
            lines += _wrap(line, indent)
    body = "\n".join(indent + line if line else "" for line in lines).removeprefix(indent)
    return f'{indent}"""{body}"""\n' if len(lines) == 1 else f'{indent}"""{body}\n{indent}"""\n'


def _wrap(text: str, indent: str, room: int = 0) -> list[str]:
    return textwrap.wrap(
        text, LINE_LENGTH - len(indent) - room, break_long_words=False, break_on_hyphens=False
    )
