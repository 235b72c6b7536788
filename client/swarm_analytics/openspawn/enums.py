"""Enumerations of OpenSpawn's API."""

from swarm_analytics_models.services.openspawn.enums import (
    AgentMode,
    AgentRole,
    AgentStatus,
    CreditType,
    EventSeverity,
    MessageType,
    Proficiency,
    TaskPriority,
    TaskStatus,
)

__all__ = [
    "AgentMode",
    "AgentRole",
    "AgentStatus",
    "CreditType",
    "EventSeverity",
    "MessageType",
    "Proficiency",
    "TaskPriority",
    "TaskStatus",
]
