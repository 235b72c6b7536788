"""What applications' own tests get. That the double validates as the real client does: test_submission."""

from pathlib import Path

import pytest

from swarm_analytics.testing import RecordingClient

pytest_plugins = ["pytester"]


def test_calls_are_recorded_in_order_with_their_bodies(recording_analytics: RecordingClient) -> None:
    first = recording_analytics.events.agent.create(id="a")
    second = recording_analytics.logs.write(tag="t", data={"b": [1]})
    assert [(event.route, event.submission_id) for event in recording_analytics.recorded] == [
        ("events.agent.create", first),
        ("logs.write", second),
    ]
    assert recording_analytics.recorded[1].body["data"] == {"b": [1]}


def test_the_fixture_comes_with_the_package_and_starts_afresh_for_each_test(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(
        """
        def test_one(recording_analytics):
            recording_analytics.logs.write(tag="one")
            assert [event.body["tag"] for event in recording_analytics.recorded] == ["one"]

        def test_two(recording_analytics):
            assert recording_analytics.recorded == []
            assert recording_analytics.flush(timeout=0.1)
        """
    )
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=2)


def test_nothing_is_written_anywhere(
    recording_analytics: RecordingClient, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWARM_ANALYTICSD_HOME", str(home))
    recording_analytics.preferences.opt_out(opted_out=True)
    recording_analytics.logs.write(tag="t")
    assert not home.exists()
