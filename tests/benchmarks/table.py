"""Figures and what they should reach; as text, as markdown, as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, assert_never

from tests.benchmarks.measure import Sample

Bound = Literal["at_most", "at_least"]
WORDS: Final[Mapping[Bound, str]] = {"at_most": "at most", "at_least": "at least"}
OURS: Final = "ours"


@dataclass(frozen=True, slots=True)
class Target:
    """Our median is `kind` `ratio` times that of the peer named `of`, measured in the same run."""

    kind: Bound
    ratio: float
    of: str


@dataclass(frozen=True, slots=True)
class Limit:
    """Our worst round is `kind` this value, in the figure's unit; for what no peer can be a measure of."""

    kind: Bound
    value: float


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table: ours, and each peer's."""

    title: str
    unit: str
    ours: Sample
    peers: Mapping[str, Sample] = field(default_factory=dict)
    target: Target | Limit | None = None
    note: str = ""

    def ratio(self, peer: str) -> float | None:
        """Ours to the peer's, by medians; None where one of them is 0."""
        ours, theirs = self.ours.median, self.peers[peer].median
        return ours / theirs if ours and theirs else None

    @property
    def reached(self) -> bool | None:
        """None: there is no target, or its peer was not measured."""
        match self.target:
            case None:
                return None
            case Limit(kind="at_most", value=value):
                return self.ours.max <= value
            case Limit(value=value):
                return self.ours.min >= value
            case Target(of=of) if of not in self.peers:
                return None
            case Target(kind="at_most", ratio=ratio, of=of):
                return self.ours.median <= ratio * self.peers[of].median
            case Target(ratio=ratio, of=of):
                return self.ours.median >= ratio * self.peers[of].median
            case _:
                assert_never(self.target)


@dataclass(frozen=True, slots=True)
class Group:
    """The figures of one row group; `trouble` says why it could not be measured, or not wholly."""

    name: str
    title: str
    figures: tuple[Figure, ...]
    trouble: str = ""


def number(value: float) -> str:
    """Three digits that mean something, thousands grouped."""
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def spread(sample: Sample) -> str:
    """Median, and the least and the greatest of the rounds where they differ."""
    low, high = number(sample.min), number(sample.max)
    return number(sample.median) if low == high else f"{number(sample.median)} ({low}–{high})"


def aim(figure: Figure) -> str:
    """What is to be reached, in words."""
    match figure.target:
        case None:
            return ""
        case Limit(kind, value):
            return f"{WORDS[kind]} {number(value)} {figure.unit}".rstrip()
        case Target(kind, ratio, of):
            return f"{WORDS[kind]} {number(ratio)} × {of}"
        case _:
            assert_never(figure.target)


def verdict(figure: Figure) -> str:
    match figure.reached:
        case None:
            return "not measured" if figure.target else ""
        case True:
            return "reached"
        case False:
            return "not reached"


def as_text(groups: Sequence[Group]) -> str:
    """For a terminal: each figure with a line for each party."""
    lines: list[str] = []
    for group in groups:
        lines += ["", group.title, "=" * len(group.title)]
        for figure in group.figures:
            lines += ["", f"{figure.title} [{figure.unit}]" if figure.unit else figure.title]
            parties = {OURS: figure.ours, **figure.peers}
            width = max(map(len, parties))
            for name, sample in parties.items():
                ratio = None if name == OURS else figure.ratio(name)
                beside = "" if ratio is None else f"   ours is {number(ratio)} × this"
                lines.append(f"  {name:<{width}}  {spread(sample):>28}{beside}")
            if figure.target:
                lines.append(f"  to reach: {aim(figure)}: {verdict(figure)}")
            if figure.note:
                lines.append(f"  {figure.note}")
        if group.trouble:
            lines += ["", f"  NOT MEASURED: {group.trouble}"]
    return "\n".join(lines) + "\n"


def as_markdown(groups: Sequence[Group]) -> str:
    """One table; medians, with the least and greatest round in brackets."""
    lines = ["| figure | ours | peers (ours to theirs) | to reach | |", "|---|---|---|---|---|"]
    for group in groups:
        lines.append(f"| **{group.title}** | | | | |")
        for figure in group.figures:
            beside = "<br>".join(
                f"{name}: {spread(sample)}" + _bracketed(figure.ratio(name))
                for name, sample in figure.peers.items()
            )
            title = f"{figure.title}, {figure.unit}" if figure.unit else figure.title
            lines.append(
                f"| {title} | {spread(figure.ours)} | {beside} | {aim(figure)} | {verdict(figure)} |"
            )
        if group.trouble:
            lines.append(f"| not measured: {group.trouble} | | | | |")
    return "\n".join(lines) + "\n"


def _bracketed(ratio: float | None) -> str:
    return "" if ratio is None else f" [{number(ratio)} ×]"


def as_json(groups: Sequence[Group]) -> list[dict[str, Any]]:
    """Every value of every round."""
    return [
        {
            "name": group.name,
            "title": group.title,
            "trouble": group.trouble,
            "figures": [
                {
                    "title": figure.title,
                    "unit": figure.unit,
                    "rounds": {
                        OURS: figure.ours.values,
                        **{name: sample.values for name, sample in figure.peers.items()},
                    },
                    "ratios": {name: figure.ratio(name) for name in figure.peers},
                    "to_reach": aim(figure),
                    "reached": figure.reached,
                    "note": figure.note,
                }
                for figure in group.figures
            ],
        }
        for group in groups
    ]
