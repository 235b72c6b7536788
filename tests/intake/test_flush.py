"""`flush` tries again while somebody waits."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from swarm_analytics_models.api import FlushRequest
from swarm_analyticsd import policy
from swarm_analyticsd.bell import Bell
from swarm_analyticsd.intake.operations import Operations
from tests.intake.rig import Recorder


async def test_everything_is_tried_again_and_again_until_the_time_is_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(policy, "FLUSH_NUDGE_S", 0.001)
    dispatcher, bell = Recorder(), Bell()

    async def pending(client: str | None) -> int:
        """The service is back for the fifth try."""
        return int(dispatcher.nudges < 5)

    operations = Operations(
        outbox=cast(Any, SimpleNamespace(pending=pending)),
        dispatcher=cast(Any, dispatcher),
        reception=cast(Any, None),
        settled=bell,
        stop=lambda: None,
    )
    assert (await operations.flush(FlushRequest(timeout_s=60))).drained
    assert dispatcher.nudges == 5
    dispatcher.nudges = -1_000_000
    assert not (await operations.flush(FlushRequest(timeout_s=0.05))).drained
