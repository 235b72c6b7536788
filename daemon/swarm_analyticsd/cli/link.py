"""The running daemon, as commands see it: typed questions, and failures that say what to do."""

import os
from collections.abc import Mapping
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlencode

import typer
from pydantic import BaseModel, ValidationError

from swarm_analytics.channel import DaemonChannel, DaemonRefused, DaemonUnavailable
from swarm_analytics_models.api import (
    ConfigAnswer,
    ConsentAnswer,
    CredentialAnswer,
    CredentialRemoval,
    CredentialRemovalAnswer,
    CredentialRequest,
    DeadAction,
    DeadAnswer,
    EventAnswer,
    EventsAnswer,
    FlushAnswer,
    FlushRequest,
    PauseRequest,
    RegisterAnswer,
    RegisterRequest,
    StopAnswer,
    VersionAnswer,
)
from swarm_analytics_models.categories import ConsentMode
from swarm_analytics_models.home import Home
from swarm_analytics_models.lock import try_lock
from swarm_analytics_models.status import Status
from swarm_analyticsd.cli import policy
from swarm_analyticsd.cli.exits import CommandError, Exit
from swarm_analyticsd.cli.words import visible

Answer = TypeVar("Answer", bound=BaseModel)

_USAGE: Final = frozenset({400, 422})
_UNREACHABLE: Final = 504
"""What the service did not answer; the daemon is well."""


class NoDaemon(CommandError):
    """Nobody answers in this home."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message, hint, Exit.NO_DAEMON)


class Daemon:
    """Asks a home's daemon. Each question may raise NoDaemon, or CommandError with the daemon's reason."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self._channel = DaemonChannel(home)

    def end(self, code: Exit) -> None:
        raise typer.Exit(code)

    def version(self) -> VersionAnswer:
        return self._ask(VersionAnswer, "GET", "/v1/version")

    def status(self) -> Status:
        return self._ask(Status, "GET", "/v1/status")

    def config(self) -> ConfigAnswer:
        return self._ask(ConfigAnswer, "GET", "/v1/config")

    def events(self, state: str | None, service: str | None, limit: int) -> EventsAnswer:
        wanted = {"state": state, "service": service, "limit": limit}
        query = urlencode({name: value for name, value in wanted.items() if value is not None})
        return self._ask(EventsAnswer, "GET", f"/v1/events?{query}")

    def event(self, event_id: str, *, body: bool) -> EventAnswer:
        path = f"/v1/events/{quote(event_id, safe='')}?body={'true' if body else 'false'}"
        return self._ask(EventAnswer, "GET", path)

    def flush(self, request: FlushRequest) -> FlushAnswer:
        return self._ask(FlushAnswer, "POST", "/v1/flush", _content(request), wait_s=request.timeout_s)

    def pause(self, request: PauseRequest) -> None:
        self._request("POST", "/v1/pause", _content(request))

    def resume(self, request: PauseRequest) -> None:
        self._request("POST", "/v1/resume", _content(request))

    def dead_retry(self, action: DeadAction) -> int:
        return self._ask(DeadAnswer, "POST", "/v1/dead/retry", _content(action)).changed

    def dead_drop(self, action: DeadAction) -> int:
        return self._ask(DeadAnswer, "POST", "/v1/dead/drop", _content(action)).changed

    def register(self, request: RegisterRequest) -> RegisterAnswer:
        return self._ask(
            RegisterAnswer, "POST", "/v1/register", _content(request), wait_s=request.wait_s or 0.0
        )

    def consent(self, mode: ConsentMode, service: str | None) -> ConsentAnswer:
        return self._ask(ConsentAnswer, "POST", "/v1/consent", {"mode": mode, "service": service})

    def set_credential(self, request: CredentialRequest) -> CredentialAnswer:
        content = _content(request) | {"secret": request.secret.get_secret_value()}
        return self._ask(CredentialAnswer, "POST", "/v1/credentials", content)

    def remove_credential(self, request: CredentialRemoval) -> CredentialRemovalAnswer:
        return self._ask(CredentialRemovalAnswer, "POST", "/v1/credentials/remove", _content(request))

    def stop(self) -> StopAnswer:
        return self._ask(StopAnswer, "POST", "/v1/stop", {})

    def holds_home(self, pid: int) -> bool:
        """Whether that process still holds the home's lock."""
        try:
            descriptor = os.open(self.home.lock, os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            return not try_lock(descriptor) and os.read(descriptor, 32).strip() == str(pid).encode()
        finally:
            os.close(descriptor)

    def _ask(
        self,
        answer: type[Answer],
        method: str,
        path: str,
        content: Mapping[str, Any] | None = None,
        *,
        wait_s: float = 0.0,
    ) -> Answer:
        try:
            return answer.model_validate(self._request(method, path, content, wait_s=wait_s))
        except ValidationError as error:
            raise CommandError(
                f"the daemon's answer to {method} {path} differs in {error.error_count()} fields.",
                "It is of another version, perhaps: compare with `swarm-analyticsd version`.",
                Exit.INTERNAL,
            ) from error

    def _request(
        self, method: str, path: str, content: Mapping[str, Any] | None = None, *, wait_s: float = 0.0
    ) -> Any:
        try:
            return self._channel.request(method, path, content, timeout=wait_s + policy.ANSWER_TIMEOUT_S)
        except DaemonUnavailable as error:
            raise NoDaemon(visible(error.message), visible(error.hint)) from error
        except DaemonRefused as error:
            raise CommandError(
                visible(error.message), visible(error.hint), _exit_code(error.status)
            ) from error


def _exit_code(status: int) -> Exit:
    if status in _USAGE:
        return Exit.USAGE
    return Exit.INTERNAL if status >= 500 and status != _UNREACHABLE else Exit.NO


def _content(request: BaseModel) -> dict[str, Any]:
    return request.model_dump(mode="json", exclude_none=True)
