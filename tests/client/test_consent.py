"""What a process believes about consent while its own decision is on the way."""

import pytest

from swarm_analytics.consent import ConsentView
from swarm_analytics_models.categories import ConsentMode

FULL, MINIMAL, HOLD = ConsentMode.FULL, ConsentMode.MINIMAL, ConsentMode.HOLD


@pytest.fixture
def view() -> ConsentView:
    return ConsentView()


def test_only_minimal_mutes_and_only_its_service(view: ConsentView) -> None:
    for mode, muted in ((FULL, set()), (MINIMAL, {"a"}), (HOLD, set())):
        view.heard("a", mode)
        assert view.muted == muted
    view.heard("b", MINIMAL)
    assert view.muted == {"b"}


def test_a_decision_holds_against_what_the_daemon_said_before_it_had_it(view: ConsentView) -> None:
    view.heard("a", MINIMAL)
    view.decided("a", FULL, "journal", 10)
    view.heard("a", MINIMAL)
    assert view.muted == set()


@pytest.mark.parametrize(
    ("journal", "offset", "muted"), [("journal", 10, {"a"}), ("journal", 9, set()), ("other", 99, set())]
)
def test_once_receipted_the_daemons_word_counts_again(
    view: ConsentView, journal: str, offset: int, muted: set[str]
) -> None:
    view.decided("a", FULL, "journal", 10)
    view.receipted(journal, offset)
    view.heard("a", MINIMAL)
    assert view.muted == muted


def test_once_the_daemon_agreed_its_next_word_counts(view: ConsentView) -> None:
    view.decided("a", FULL, "journal", 10)
    view.heard("a", FULL)
    view.heard("a", MINIMAL)
    assert view.muted == {"a"}
