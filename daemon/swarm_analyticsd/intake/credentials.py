"""Destinations and their secrets, as apps and people ask for them over the API. Secrets go in, never out."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fastapi import FastAPI
from pydantic import SecretStr

from swarm_analytics_models.api import (
    CredentialAnswer,
    CredentialRemoval,
    CredentialRemovalAnswer,
    CredentialRequest,
    ForgetKeyRequest,
    NamedDestination,
    RegisterAnswer,
    RegisterRequest,
)
from swarm_analytics_models.authentication import (
    ApiKeyAuthentication,
    ResourceKeyAuthentication,
    scheme_for,
)
from swarm_analytics_models.contract import ServiceContract
from swarm_analytics_models.identifiers import Destination, IdentityKind, encode_reference
from swarm_analytics_models.status import CredentialState
from swarm_analyticsd.credentials.given import KeptElsewhere
from swarm_analyticsd.credentials.secret import UnusableSecret
from swarm_analyticsd.credentials.vault import VaultError
from swarm_analyticsd.intake.refusing import Refusing, known_contract, usable_base_url
from swarm_analyticsd.outbox.rows import KnownDestination
from swarm_analyticsd.outbox.store import Outbox
from swarm_analyticsd.schedule.loop import Dispatcher


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Makes destinations known, and takes, renews and forgets their secrets."""

    outbox: Outbox
    dispatcher: Dispatcher
    base_urls: Mapping[str, str]
    """Where each service is: as configured, and as apps added what was lacking."""

    file_base_url: Callable[[ServiceContract, str], str | None] = lambda _contract, _identity: None
    """Where a key file of this name says that its service is; may block."""

    async def register(self, request: RegisterRequest) -> RegisterAnswer:
        contract = known_contract(request.service)
        base_url = await self._base_url(contract, request.base_url, request.kind, request.identity)
        destination = Destination(contract.name, base_url, request.kind, request.identity)
        known = await self._declared(destination, request)
        state, error = await self._state(known, request)
        if request.wait_s is not None and state is not CredentialState.PRESENT:
            raise _no_credential(destination, state, error)
        return RegisterAnswer(
            reference=encode_reference(destination),
            destination=destination.ref,
            base_url=base_url,
            credential=state,
        )

    async def set(self, request: CredentialRequest) -> CredentialAnswer:
        if request.destination is not None:
            known = await self._named(request)
        else:
            known = await self._declared(await self._key_destination(request), None)
        await self._adopt(known.id, request.secret)
        return CredentialAnswer(destination=known.ref, base_url=known.destination.base_url)

    async def remove(self, request: CredentialRemoval) -> CredentialRemovalAnswer:
        known = await self._named(request)
        try:
            await self.dispatcher.authenticator(known.id).forget_all()
        except KeptElsewhere as error:
            raise Refusing(409, "kept_elsewhere", error.message, error.hint) from error
        except VaultError as error:
            raise Refusing(503, "vault", error.message, error.hint) from error
        forgotten = await self.outbox.forget_destination(known.id)
        if not forgotten:
            self.dispatcher.wake([known.id])
        return CredentialRemovalAnswer(
            destination=known.ref, base_url=known.destination.base_url, forgotten=forgotten
        )

    async def forget_key(self, request: ForgetKeyRequest) -> None:
        known = await self._named(NamedDestination(destination=request.destination))
        await self.dispatcher.authenticator(known.id).forget(request.resource)

    async def _declared(self, destination: Destination, request: RegisterRequest | None) -> KnownDestination:
        known = await self.outbox.ensure_destination(destination, request.settings if request else None)
        self.dispatcher.destination_added(known)
        return known

    async def _state(
        self, known: KnownDestination, request: RegisterRequest
    ) -> tuple[CredentialState, str | None]:
        if request.adopt is not None:
            await self._adopt(known.id, request.adopt)
            return CredentialState.PRESENT, None
        if request.wait_s is None and known.destination.kind is IdentityKind.INSTALL:
            return known.credential, known.credential_error
        return await self.dispatcher.await_credential(known.id, request.wait_s or 0.0)

    async def _base_url(
        self, contract: ServiceContract, asked: str | None, kind: IdentityKind, identity: str
    ) -> str:
        if asked is not None:
            return usable_base_url(asked)
        found = self.base_urls.get(contract.name)
        if found is None and kind is IdentityKind.KEY:
            found = await asyncio.to_thread(self.file_base_url, contract, identity)
        found = found or contract.default_base_url
        if found is None:
            raise Refusing(
                409,
                "no_base_url",
                f"nobody has said where {contract.name} is",
                f"Name its base URL, or configure it (--service {contract.name}=URL).",
            )
        return usable_base_url(found)

    async def _key_destination(self, named: NamedDestination) -> Destination:
        contract = known_contract(named.service or "")
        if not _takes_key(contract):
            raise Refusing(
                422,
                "no_key",
                f"{contract.name} takes no API key",
                "Name a destination instead; they are listed by: swarm-analyticsd credential list",
            )
        base_url = await self._base_url(contract, named.base_url, IdentityKind.KEY, named.identity)
        return Destination(contract.name, base_url, IdentityKind.KEY, named.identity)

    async def _named(self, named: NamedDestination) -> KnownDestination:
        if (named.destination is None) == (named.service is None):
            raise Refusing(422, "choice", "name a destination or a service", "Choose one of the two.")
        ref = named.destination if named.destination is not None else (await self._key_destination(named)).ref
        for known in await self.outbox.destinations():
            if known.ref == ref:
                return known
        told = ref if named.destination is not None else f"{named.service}, with a key of this name"
        raise Refusing(
            404,
            "unknown_destination",
            f"no destination is called {told[:80]}",
            "List them with: swarm-analyticsd credential list",
        )

    async def _adopt(self, destination_id: int, secret: SecretStr) -> None:
        try:
            await self.dispatcher.adopt(destination_id, secret)
        except UnusableSecret as error:
            hint = "Pass it as the service gave it."
            raise Refusing(422, "unusable_secret", str(error), hint) from error
        except KeptElsewhere as error:
            raise Refusing(409, "kept_elsewhere", error.message, error.hint) from error
        except VaultError as error:
            raise Refusing(503, "vault", error.message, error.hint) from error


def serve_credentials(api: FastAPI, credentials: Credentials) -> None:
    @api.post("/v1/register")
    async def register(request: RegisterRequest) -> RegisterAnswer:
        return await credentials.register(request)

    @api.post("/v1/credentials")
    async def set_credential(request: CredentialRequest) -> CredentialAnswer:
        return await credentials.set(request)

    @api.post("/v1/credentials/remove")
    async def remove_credential(request: CredentialRemoval) -> CredentialRemovalAnswer:
        return await credentials.remove(request)

    @api.post("/v1/credentials/forget")
    async def forget_key(request: ForgetKeyRequest) -> None:
        await credentials.forget_key(request)


def _takes_key(contract: ServiceContract) -> bool:
    schemes = (scheme_for(route.authentication, IdentityKind.KEY) for route in contract.routes)
    return any(isinstance(scheme, ApiKeyAuthentication | ResourceKeyAuthentication) for scheme in schemes)


def _no_credential(destination: Destination, state: CredentialState, error: str | None) -> Refusing:
    cause = error or "no answer yet"
    if destination.kind is not IdentityKind.INSTALL:
        refused = state is CredentialState.HELD
        return Refusing(
            401 if refused else 409,
            "auth" if refused else "credential_absent",
            f"{destination.service} {'refuses' if refused else 'has no'} credential: {cause}",
            "Give a new one. Events handed off meanwhile are kept.",
        )
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
