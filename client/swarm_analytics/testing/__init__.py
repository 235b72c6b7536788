"""For applications' own tests: a client that records instead of handing off.

    def test_creating_an_agent_is_reported(recording_analytics):
        create_agent("sess_123", analytics=recording_analytics)
        assert recording_analytics.recorded[0].route == "events.agent.create"

The fixture `recording_analytics` comes with the installed package.
"""

from swarm_analytics.testing.recording import Recorded, RecordingClient

__all__ = ["Recorded", "RecordingClient"]
