"""Text for a terminal: nothing a stranger wrote may steer it, and a person reads times at a glance."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm_analyticsd.cli import words

NOW = 1_790_000_000.0
DANGEROUS = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", "UTC")
    if hasattr(time, "tzset"):
        time.tzset()


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b]0;owned\x07", r"\x1b]0;owned\x07"),
        ("a\r\nb\tc", r"a\x0d\x0ab\x09c"),
        ("\x9b31m", r"\x9b31m"),
        ("right\u202eleft", r"right\u202eleft"),
        ("zero\u200bwidth", r"zero\u200bwidth"),
        ("line\u2028end", r"line\u2028end"),
        ("\ud800", r"\ud800"),
        ("\U000e0041", r"\U000e0041"),
        ("Grüße, 世界", "Grüße, 世界"),
    ],
)
def test_s14_what_could_steer_a_terminal_is_escaped(hostile: str, shown: str) -> None:
    assert words.visible(hostile) == shown


@given(st.text())
def test_s14_no_character_of_a_dangerous_category_passes(text: str) -> None:
    assert {unicodedata.category(character) for character in words.visible(text)} & DANGEROUS == set()


@given(st.text(), st.integers(min_value=3, max_value=40))
def test_a_limit_is_kept(text: str, limit: int) -> None:
    assert len(words.visible(text, limit)) <= limit


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-5, "0 s"),
        (0.4, "0 s"),
        (42, "42 s"),
        (180, "3 min"),
        (5399, "90 min"),
        (5400, "2 h"),
        (86_400, "24 h"),
        (3 * 86_400, "3 days"),
    ],
)
def test_spans_are_as_precise_as_a_person_needs(seconds: float, shown: str) -> None:
    assert words.span(seconds) == shown


def test_moments_of_today_have_no_date_and_others_have() -> None:
    assert words.at(NOW, NOW) == "14:13:20"
    assert words.at(NOW - 86_400, NOW) == "2026-09-20 14:13:20"


def test_a_moment_that_no_calendar_knows_is_still_shown() -> None:
    assert words.at(1e18, NOW) == "Unix time 1000000000000000000"


def test_a_coming_moment_says_when_and_how_long() -> None:
    assert words.due(NOW + 42, NOW) == "at 14:14:02 (in 42 s)"
    assert words.due(NOW - 1, NOW) == "now"


@pytest.mark.parametrize(
    ("octets", "shown"),
    [
        (999, "999 B"),
        (1_000, "1.0 kB"),
        (61_000_000, "61 MB"),
        (999_999, "1,000 kB"),
        (2_500_000_000, "2,500 MB"),
    ],
)
def test_sizes(octets: int, shown: str) -> None:
    assert words.size(octets) == shown
