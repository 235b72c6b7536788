"""The arithmetic and the rendering of the benchmarks; what they measure decides no test."""

import json
import os
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from tests.benchmarks import plots, readme
from tests.benchmarks.measure import Sample, in_turn, percentile, usage
from tests.benchmarks.rows import ROWS
from tests.benchmarks.table import Figure, Group, Limit, Target, as_json, as_markdown, as_text

FAST = Figure(
    "p50", "µs", Sample((10.0, 11.0, 40.0)), {"peer": Sample((20.0, 22.0))}, Target("at_most", 0.6, "peer")
)
RATE = Figure("rate", "1/s", Sample((300.0,)), {"peer": Sample((2.0,))}, Target("at_least", 200, "peer"))
LOST = Figure("lost", "events", Sample((0.0, 0.0, 1.0)), {"peer": Sample((990.0,))}, Limit("at_most", 0))
GROUPS = (
    Group("emit", "Calls & <events>", (FAST, RATE, LOST)),
    Group("agents", "Agents", (), "no syslog-ng"),
)


def test_a_sample_knows_its_middle_and_its_ends() -> None:
    assert (FAST.ours.median, FAST.ours.min, FAST.ours.max) == (11.0, 10.0, 40.0)
    with pytest.raises(ValueError, match="needs a value"):
        Sample(())


@pytest.mark.parametrize(("share", "expected"), [(0.0, 1), (0.5, 50), (0.99, 99), (1.0, 100)])
def test_a_percentile_is_a_value_that_was_measured(share: float, expected: int) -> None:
    assert percentile(list(range(100, 0, -1)), share) == expected


def test_parties_take_turns_and_none_is_always_first() -> None:
    order: list[str] = []
    results = in_turn(2, {"ours": lambda: order.append("ours"), "peer": lambda: order.append("peer")})
    assert order == ["ours", "peer", "peer", "ours"]
    assert {name: len(values) for name, values in results.items()} == {"ours": 2, "peer": 2}


def test_the_use_of_a_process_grows_with_what_it_does() -> None:
    before = usage(os.getpid())
    while usage(os.getpid()).cpu_s == before.cpu_s:
        sum(range(100_000))
    assert before.resident_mib > 5


def test_a_target_is_a_ratio_of_medians_and_a_limit_counts_the_worst_round() -> None:
    assert FAST.ratio("peer") == 11 / 21
    assert FAST.reached is True
    assert (RATE.ratio("peer"), RATE.reached) == (150.0, False)
    assert (LOST.ratio("peer"), LOST.reached) == (None, False)


def test_a_target_whose_peer_was_not_measured_is_not_reached_in_silence() -> None:
    alone = Figure("p50", "µs", Sample((1.0,)), {}, Target("at_most", 0.5, "peer"))
    assert alone.reached is None
    assert "at most 0.5 × peer: not measured" in as_text([Group("emit", "Calls", (alone,))])


def test_the_text_has_medians_spreads_ratios_and_what_could_not_be_measured() -> None:
    text = as_text(GROUPS)
    assert "11 (10–40)" in text
    assert "ours is 0.524 × this" in text
    assert "to reach: at least 200 × peer: not reached" in text
    assert "NOT MEASURED: no syslog-ng" in text


def test_markdown_rows_have_as_many_cells_as_the_head() -> None:
    lines = as_markdown(GROUPS).splitlines()
    assert {line.count("|") for line in lines} == {6}
    assert "| p50, µs | 11 (10–40) | peer: 21 (20–22) [0.524 ×] | at most 0.6 × peer | reached |" in lines


def test_json_keeps_every_round() -> None:
    (group, absent) = json.loads(json.dumps(as_json(GROUPS)))
    assert group["figures"][0]["rounds"] == {"ours": [10, 11, 40], "peer": [20, 22]}
    assert absent["trouble"] == "no syslog-ng"


def test_plots_are_well_formed_and_no_bar_leaves_the_picture() -> None:
    for drawing in (plots.bars(GROUPS[0]), plots.targets(GROUPS)):
        root = ElementTree.fromstring(drawing)  # noqa: S314
        boxes = [element for element in root.iter() if element.tag.endswith("rect")]
        assert boxes
        for box in boxes:
            assert float(box.attrib["x"]) >= 0
            assert float(box.attrib["x"]) + float(box.attrib["width"]) <= float(root.attrib["width"])


def test_a_missed_target_is_drawn_as_such() -> None:
    assert plots.targets(GROUPS).count('class="missed"') == 1


def test_the_readme_takes_the_table_between_its_marks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "README.md"
    page.write_text(f"before\n{readme.BEGIN}\nold\n{readme.END}\nafter\n")
    monkeypatch.setattr(readme, "README", page)
    monkeypatch.setattr(readme, "ROOT", tmp_path)
    (tmp_path / "result.json").write_text(json.dumps({"machine": {"date": "today"}, "groups": []}))
    (tmp_path / "table.md").write_text(as_markdown(GROUPS))
    (tmp_path / "emit.svg").write_text(plots.bars(GROUPS[0]))
    readme.write_readme(tmp_path)
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    assert "date: today" in text
    assert "![emit](emit.svg)" in text


def test_every_row_has_a_name_of_its_own() -> None:
    names = [row.name for row in ROWS]
    assert len(set(names)) == len(names)
