"""What the daemon does when asked over the API: each answer is a value, each refusal a `Refusing`."""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from pydantic import SecretStr

from swarm_analytics_models.api import (
    ConsentAnswer,
    ConsentRequest,
    CredentialRequest,
    DeadAction,
    DeadAnswer,
    FlushAnswer,
    FlushRequest,
    ForgetKeyRequest,
    Problem,
    RegisterAnswer,
    RegisterRequest,
    StopAnswer,
)
from swarm_analytics_models.identifiers import Destination, InvalidBaseUrl, encode_reference, parse_base_url
from swarm_analytics_models.services import contracts
from swarm_analytics_models.status import CredentialState
from swarm_analyticsd.bell import Bell
from swarm_analyticsd.credentials.secret import UnusableSecret
from swarm_analyticsd.credentials.vault import VaultError
from swarm_analyticsd.intake.flushing import Flushing
from swarm_analyticsd.intake.reception import Reception
from swarm_analyticsd.outbox.operate import Chosen
from swarm_analyticsd.outbox.store import Outbox
from swarm_analyticsd.schedule.loop import Dispatcher


class Refusing(Exception):
    """The daemon will not do what it was asked."""

    def __init__(self, status: int, code: str, message: str, hint: str, detail: object = None) -> None:
        super().__init__(message)
        self.status = status
        self.problem = Problem(code=code, message=message, hint=hint, detail=detail)


@dataclass(kw_only=True)
class Operations:
    """Everything but hand-off and looking."""

    outbox: Outbox
    dispatcher: Dispatcher
    reception: Reception
    settled: Bell
    """Rung when events were settled, and when a lane came to rest."""

    base_urls: dict[str, str] = field(default_factory=dict)
    """Where each service is: as configured, and as apps added what was lacking."""

    stop: Callable[[], None]

    def add_services(self, services: Mapping[str, str]) -> None:
        """Add what is lacking; nothing is added where one conflicts."""
        added = {_known_service(name): _base_url(base_url) for name, base_url in services.items()}
        for name, base_url in added.items():
            ours = self.base_urls.get(name)
            if ours is not None and parse_base_url(ours).base_url != base_url:
                raise Refusing(
                    409,
                    "conflict",
                    f"{name} is at {ours} for this daemon, not at {base_url}",
                    "Use one base URL in this home, or another home for the other.",
                    {"service": name, "configured": ours, "asked": base_url},
                )
        self.base_urls |= added

    async def register(self, request: RegisterRequest) -> RegisterAnswer:
        service = _known_service(request.service)
        base_url = request.base_url or self.base_urls.get(service)
        if base_url is None:
            raise Refusing(
                409,
                "no_base_url",
                f"nobody has said where {service} is",
                f"Name its base URL, or configure it (--service {service}=URL).",
            )
        destination = Destination(service, _base_url(base_url), request.kind, request.identity)
        known = await self.outbox.ensure_destination(destination, request.settings)
        self.dispatcher.destination_added(known)
        state, error = known.credential, known.credential_error
        if request.adopt is not None:
            await self._adopt(known.id, request.adopt)
            state, error = CredentialState.PRESENT, None
        if request.wait_s is not None:
            state, error = await self.dispatcher.await_credential(known.id, request.wait_s)
            if state is not CredentialState.PRESENT:
                raise _no_credential(destination, state, error)
        return RegisterAnswer(
            reference=encode_reference(destination), destination=destination.ref, credential=state
        )

    async def set_credential(self, request: CredentialRequest) -> None:
        await self._adopt(await self._destination(request.destination), request.secret)

    async def forget_key(self, request: ForgetKeyRequest) -> None:
        destination_id = await self._destination(request.destination)
        await self.dispatcher.authenticator(destination_id).forget(request.resource)

    async def set_consent(self, request: ConsentRequest) -> ConsentAnswer:
        return await self.reception.decide(_services(request.service), request.mode)

    async def flush(self, request: FlushRequest) -> FlushAnswer:
        flushing = Flushing(self.outbox, self.dispatcher, self.reception, self.settled)
        return await (flushing.attempt if request.until == "attempted" else flushing.drain)(request)

    async def pause(self, service: str | None) -> None:
        await self.dispatcher.pause(None if service is None else _known_service(service))

    async def resume(self, service: str | None) -> None:
        await self.dispatcher.resume(None if service is None else _known_service(service))

    async def retry_dead(self, action: DeadAction) -> DeadAnswer:
        changed = await self.outbox.redrive(_chosen(action))
        self.dispatcher.wake([known.id for known in await self.outbox.destinations()])
        return DeadAnswer(changed=changed)

    async def drop_dead(self, action: DeadAction) -> DeadAnswer:
        return DeadAnswer(changed=await self.outbox.drop_dead(_chosen(action)))

    def stop_soon(self) -> StopAnswer:
        self.stop()
        return StopAnswer(pid=os.getpid())

    async def _destination(self, ref: str) -> int:
        for known in await self.outbox.destinations():
            if known.ref == ref:
                return known.id
        raise Refusing(
            404,
            "unknown_destination",
            f"no destination is called {ref[:80]}",
            "List them with: swarm-analyticsd credential list",
        )

    async def _adopt(self, destination_id: int, secret: SecretStr) -> None:
        try:
            await self.dispatcher.adopt(destination_id, secret)
        except UnusableSecret as error:
            raise Refusing(
                422, "unusable_secret", str(error), "Pass the token as the service gave it."
            ) from error
        except VaultError as error:
            raise Refusing(503, "vault", error.message, error.hint) from error


def _known_service(name: str) -> str:
    if name not in contracts():
        raise Refusing(
            404,
            "unknown_service",
            f"no service is called {name[:80]!r}",
            f"Known services: {', '.join(sorted(contracts()))}.",
        )
    return name


def _services(name: str | None) -> Iterable[str]:
    return sorted(contracts()) if name is None else (_known_service(name),)


def _base_url(text: str) -> str:
    try:
        return parse_base_url(text).base_url
    except InvalidBaseUrl as error:
        raise Refusing(422, "base_url", str(error), "Correct the base URL.") from error


def _no_credential(destination: Destination, state: CredentialState, error: str | None) -> Refusing:
    cause = error or "no answer yet"
    if state is CredentialState.HELD:
        return Refusing(
            401,
            "auth",
            f"{destination.service} refused to register {destination.identity}: {cause}",
            "Check the install id and the base URL. Events handed off meanwhile are kept.",
        )
    return Refusing(
        504,
        "unreachable",
        f"{destination.service} at {destination.base_url} gave no credential in time: {cause}",
        "Events handed off meanwhile are kept; the daemon goes on trying.",
    )


def _chosen(action: DeadAction) -> Chosen:
    named = [bool(action.ids), action.service is not None, action.everything]
    if named.count(True) != 1:
        raise Refusing(422, "choice", "name ids, or a service, or everything", "Choose one of the three.")
    if action.service is not None:
        return Chosen(service=_known_service(action.service))
    return Chosen(keys=tuple(action.ids))
