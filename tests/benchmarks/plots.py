"""Plots as SVG, legible on light and on dark pages: bars of one row group, and all targets at a glance."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from tests.benchmarks.measure import Sample
from tests.benchmarks.table import OURS, Figure, Group, Target, number, spread

BARS: Final = 390
VALUES: Final = 170
LETTER: Final = 7
"""Widths in pixels: of the bars, of the values at their right, and of a letter of the names at their left."""

LINE: Final = 20
TITLE: Final = 30
BAR: Final = 12
LOGARITHMIC_FROM: Final = 30
"""A scale is logarithmic where the greatest is so many times the least."""

STYLE: Final = """<style>
text { font: 12px system-ui, sans-serif; fill: #333; } .title { font-weight: 600; } .minor { fill: #777; }
.ours { fill: #1f7a5c; } .theirs { fill: #9aa5b1; } .missed { fill: #c2571a; }
.whisker, .mark { stroke: #333; stroke-width: 1.5; } .one { stroke: #999; stroke-dasharray: 3 3; }
@media (prefers-color-scheme: dark) {
  text { fill: #ddd; } .minor { fill: #999; } .ours { fill: #43b58c; } .theirs { fill: #66727f; }
  .missed { fill: #e8864a; } .whisker, .mark { stroke: #ddd; }
}
</style>"""


@dataclass(frozen=True, slots=True)
class Scale:
    """Values to pixels, from `left` on, `width` wide; 0 is at the left, also where it is logarithmic."""

    low: float
    high: float
    left: float
    width: float
    logarithmic: bool

    def x(self, value: float) -> float:
        if self.high <= 0:
            return self.left
        if not self.logarithmic:
            return self.left + self.width * value / self.high
        if value <= self.low:
            return self.left
        return self.left + self.width * math.log(value / self.low) / math.log(self.high / self.low)


def scale_of(values: Sequence[float], left: float, width: float) -> Scale:
    """A scale for bars of these values. Logarithmic ones begin a little below the least that is not 0."""
    above = [value for value in values if value > 0]
    low, high = min(above, default=0.0), max(above, default=0.0)
    return Scale(low / 2, high, left, width, bool(above) and high >= LOGARITHMIC_FROM * low)


def bars(group: Group) -> str:
    """A panel for each figure that has peers: medians as bars, least to greatest round as a line."""
    body: list[str] = []
    top = 0.0
    figures = [figure for figure in group.figures if figure.peers]
    left = _room([OURS, *(name for figure in figures for name in figure.peers)])
    for figure in figures:
        panel, top = _panel(figure, left, top)
        body += panel
    return _document(group.title, left + BARS + VALUES, top, body)


def _room(names: Sequence[str]) -> float:
    """How wide the longest of them is."""
    return LETTER * max(map(len, names), default=0) + 16


def _panel(figure: Figure, left: float, top: float) -> tuple[list[str], float]:
    parties = {OURS: figure.ours, **figure.peers}
    every = [value for sample in parties.values() for value in sample.values]
    scale = scale_of(every, left, BARS)
    unit = f"{figure.unit}, logarithmic" if scale.logarithmic else figure.unit
    lines = [
        f'<text class="title" x="0" y="{top + 20:.0f}">{escape(figure.title)} '
        f'<tspan class="minor">{escape(unit)}</tspan></text>'
    ]
    for index, (name, sample) in enumerate(parties.items()):
        lines += _bar(name, sample, scale, top + TITLE + index * LINE)
    return lines, top + TITLE + len(parties) * LINE + 10


def _bar(name: str, sample: Sample, scale: Scale, top: float) -> list[str]:
    middle = top + BAR / 2
    length = max(1.0, scale.x(sample.median) - scale.left)
    kind = "ours" if name == OURS else "theirs"
    return [
        f'<text x="{scale.left - 8:.0f}" y="{top + 10:.0f}" text-anchor="end">{escape(name)}</text>',
        f'<rect class="{kind}" x="{scale.left:.0f}" y="{top:.0f}" width="{length:.1f}" height="{BAR}"/>',
        f'<line class="whisker" x1="{scale.x(sample.min):.1f}" x2="{scale.x(sample.max):.1f}" '
        f'y1="{middle:.0f}" y2="{middle:.0f}"/>',
        f'<text class="minor" x="{scale.left + BARS + 8:.0f}" y="{top + 10:.0f}">'
        f"{escape(spread(sample))}</text>",
    ]


def targets(groups: Sequence[Group]) -> str:
    """Ours as a share of each peer that a target names, logarithmic, and a mark where it should be."""
    found = [
        (f"{group.name}: {figure.title}", figure, figure.target, ratio)
        for group in groups
        for figure in group.figures
        if isinstance(figure.target, Target) and figure.target.of in figure.peers
        if (ratio := figure.ratio(figure.target.of))
    ]
    left = _room([title for title, _, _, _ in found])
    values = [value for _, _, target, ratio in found for value in (ratio, target.ratio, 1.0)]
    scale = scale_of(values, left, BARS)
    one = scale.x(1.0)
    bottom = TITLE + len(found) * LINE
    body = [
        '<text class="title" x="0" y="20">Ours to the peer that each target names '
        '<tspan class="minor">logarithmic; the mark is the target, the dashed line equality</tspan></text>',
        f'<line class="one" x1="{one:.1f}" x2="{one:.1f}" y1="{TITLE}" y2="{bottom}"/>',
    ]
    for index, (title, figure, target, ratio) in enumerate(found):
        top = TITLE + index * LINE
        mark = scale.x(target.ratio)
        start, end = sorted((one, scale.x(ratio)))
        kind = "ours" if figure.reached else "missed"
        body += [
            f'<text x="{left - 8:.0f}" y="{top + 12}" text-anchor="end">{escape(title)}</text>',
            f'<rect class="{kind}" x="{start:.1f}" y="{top + 2}" width="{max(1.0, end - start):.1f}" '
            f'height="{BAR}"/>',
            f'<line class="mark" x1="{mark:.1f}" x2="{mark:.1f}" y1="{top}" y2="{top + BAR + 4}"/>',
            f'<text class="minor" x="{left + BARS + 8:.0f}" y="{top + 12}">{number(ratio)} ×</text>',
        ]
    return _document("Targets", left + BARS + VALUES, bottom + 10, body)


def _document(title: str, width: float, height: float, body: Sequence[str]) -> str:
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
            f'width="{width:.0f}" height="{height:.0f}" role="img">',
            f"<title>{escape(title)}</title>",
            STYLE,
            *body,
            "</svg>",
            "",
        ]
    )
