"""Typed client for OpenSwarm product analytics: hands events off to a local daemon, and loses none.

    from swarm_analytics import AnalyticsClient, AgentMessage

    token = AnalyticsClient.register(base_url="https://analytics.openswarm.ai", install_id=install_id)
    client = AnalyticsClient(base_url="https://analytics.openswarm.ai", token=token)
    client.events.agent.create(id="sess_123", name="Refactor auth", dashboard_id="dash_1")

Names are imported on first use, so that a program which needs one part of the package loads no other.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from swarm_analytics.client import AnalyticsClient
    from swarm_analytics.errors import (
        AnalyticsError,
        AuthError,
        BreakerOpen,
        BrokenOff,
        CallError,
        CallTimedOut,
        CredentialMissing,
        CredentialRefused,
        DaemonError,
        DaemonMissing,
        DaemonRefused,
        DaemonStartError,
        DaemonUnavailable,
        HandOffError,
        MalformedAnswer,
        MayBeExecuted,
        NotReached,
        RateLimited,
        ServiceBusy,
        ServicePaused,
        TransportError,
        ValidationRejected,
    )
    from swarm_analytics.launch import Daemon, start_daemon
    from swarm_analytics.outlet import DroppedRecord
    from swarm_analytics.spool import Spool, SqliteSpool
    from swarm_analytics_models.services.openswarm.payloads import (
        AgentCreated,
        AgentMessage,
        AgentMessageEvent,
        AgentTitled,
        AppClosed,
        AppOpened,
        DashboardEvent,
        DeviceContext,
        EmailLinked,
        InstallRegistered,
        LogWritten,
        OnboardingStep,
        OptOut,
    )

__all__ = [
    "AgentCreated",
    "AgentMessage",
    "AgentMessageEvent",
    "AgentTitled",
    "AnalyticsClient",
    "AnalyticsError",
    "AppClosed",
    "AppOpened",
    "AuthError",
    "BreakerOpen",
    "BrokenOff",
    "CallError",
    "CallTimedOut",
    "CredentialMissing",
    "CredentialRefused",
    "Daemon",
    "DaemonError",
    "DaemonMissing",
    "DaemonRefused",
    "DaemonStartError",
    "DaemonUnavailable",
    "DashboardEvent",
    "DeviceContext",
    "DroppedRecord",
    "EmailLinked",
    "HandOffError",
    "InstallRegistered",
    "LogWritten",
    "MalformedAnswer",
    "MayBeExecuted",
    "NotReached",
    "OnboardingStep",
    "OptOut",
    "RateLimited",
    "ServiceBusy",
    "ServicePaused",
    "Spool",
    "SqliteSpool",
    "TransportError",
    "ValidationRejected",
    "start_daemon",
]

_HOMES: Final = {
    "AnalyticsClient": "swarm_analytics.client",
    "Daemon": "swarm_analytics.launch",
    "start_daemon": "swarm_analytics.launch",
    "DroppedRecord": "swarm_analytics.outlet",
    "Spool": "swarm_analytics.spool",
    "SqliteSpool": "swarm_analytics.spool",
    **dict.fromkeys(
        (
            "AnalyticsError",
            "AuthError",
            "BreakerOpen",
            "BrokenOff",
            "CallError",
            "CallTimedOut",
            "CredentialMissing",
            "CredentialRefused",
            "DaemonError",
            "DaemonMissing",
            "DaemonRefused",
            "DaemonStartError",
            "DaemonUnavailable",
            "HandOffError",
            "MalformedAnswer",
            "MayBeExecuted",
            "NotReached",
            "RateLimited",
            "ServiceBusy",
            "ServicePaused",
            "TransportError",
            "ValidationRejected",
        ),
        "swarm_analytics.errors",
    ),
}
_PAYLOADS: Final = "swarm_analytics_models.services.openswarm.payloads"


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES.get(name, _PAYLOADS)), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
