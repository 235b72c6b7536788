"""SegOps ingestion, through the local daemon: the names of SegOps' own Python SDK.

from swarm_analytics.segops import SegOpsClient

with SegOpsClient("https://api.segops.ai", "sk_...") as client:
    client.track(user_id="u-123", event_type="order_placed", payload={"total": 42})
"""

from swarm_analytics.segops.client import SegOpsClient
from swarm_analytics.segops.errors import DeliveryFailed, EventLost, EventsSkipped, SegOpsError
from swarm_analytics.segops.signing import sign_user_id
from swarm_analytics.segops.types import Context, Event, UserContext

__all__ = [
    "Context",
    "DeliveryFailed",
    "Event",
    "EventLost",
    "EventsSkipped",
    "SegOpsClient",
    "SegOpsError",
    "UserContext",
    "sign_user_id",
]
