"""For applications' own tests: a client that records instead of handing off.

    def test_creating_an_agent_is_reported(recording_analytics):
        create_agent("sess_123", analytics=recording_analytics)
        assert recording_analytics.recorded[0].route == "events.agent.create"

The fixture `recording_analytics` comes with the installed package. `RecordingCalls` takes the place of the
daemon for calls, blocking or awaited, of any service:

    calls = RecordingCalls({"models.list": {"success": True, "models": ["gpt-4o-mini"]}})
    operations = SwarmsNamespaces()
    operations._attach(calls)
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from swarm_analytics.testing.calls import AsyncRecordingCalls, Called, RecordingCalls
    from swarm_analytics.testing.recording import Recorded, RecordingClient

__all__ = ["AsyncRecordingCalls", "Called", "Recorded", "RecordingCalls", "RecordingClient"]


def __getattr__(name: str) -> Any:
    """Import on first use: every pytest run of an environment loads the plugin beside this."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from swarm_analytics.testing import calls, recording

    return getattr(recording if name.startswith("Recorded") or name == "RecordingClient" else calls, name)
