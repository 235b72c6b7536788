"""pytest plugin, loaded by the installed package's entry point. Imports nothing of it until a test asks."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from swarm_analytics.testing.recording import RecordingClient


@pytest.fixture
def recording_analytics() -> "RecordingClient":
    """A `RecordingClient`: it validates and records, and hands nothing off."""
    from swarm_analytics.testing.recording import RecordingClient

    return RecordingClient()
