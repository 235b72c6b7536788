"""Calls of services' operations, made by the home's daemon: requests that have an answer.

`Target` says whose operations and as whom; `Caller` makes them from any thread, `AsyncCaller` from asyncio.
Both are what generated namespaces take as `call`. What goes wrong is a `CallFailed`, out of which a service's
client makes its own error, most easily of a class that is `combined` with the trouble's.

Names are imported on first use: a program without asyncio loads none.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from swarm_analytics.calls.async_caller import AsyncCaller
    from swarm_analytics.calls.caller import Caller
    from swarm_analytics.calls.failure import CallFailed, Fail, combined, default_failure, kind_of
    from swarm_analytics.calls.target import Target

__all__ = ["AsyncCaller", "CallFailed", "Caller", "Fail", "Target", "combined", "default_failure", "kind_of"]

_HOMES: Final = {"AsyncCaller": "async_caller", "Caller": "caller", "Target": "target"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'failure')}"), name)
