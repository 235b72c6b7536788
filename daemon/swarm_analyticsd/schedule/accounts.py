"""A destination's credential, and its authenticator, which events and calls share."""

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from swarm_analytics_models.contract import ServiceContract
from swarm_analytics_models.identifiers import Destination, IdentityKind
from swarm_analytics_models.status import CredentialState
from swarm_analyticsd import policy
from swarm_analyticsd.clock import Chance, Clock
from swarm_analyticsd.credentials.authenticator import Authenticator
from swarm_analyticsd.credentials.credential import Credential
from swarm_analyticsd.credentials.given import GivenSecret
from swarm_analyticsd.credentials.registration import Registration
from swarm_analyticsd.credentials.schemes import registration_of
from swarm_analyticsd.credentials.sources import KeySources
from swarm_analyticsd.credentials.tokens import Tokens
from swarm_analyticsd.credentials.vault import Vault
from swarm_analyticsd.delivery import backoff
from swarm_analyticsd.delivery.bootstrap import Bootstrap
from swarm_analyticsd.delivery.minting import Minting
from swarm_analyticsd.delivery.send import Transport
from swarm_analyticsd.outbox.errors import OutboxUnavailable
from swarm_analyticsd.outbox.rows import KnownDestination
from swarm_analyticsd.outbox.store import Outbox
from swarm_analyticsd.schedule.errands import Pause

_log = logging.getLogger(__name__)


def new_nonce() -> str:
    """Hexadecimal digits that nobody can foresee."""
    return secrets.token_hex(policy.NONCE_BYTES)


@dataclass(frozen=True, slots=True)
class Account:
    credential: Credential
    authenticator: Authenticator


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """Opens accounts."""

    outbox: Outbox
    vault: Vault
    clock: Clock
    chance: Chance
    key_source: KeySources
    changed: Callable[[int], None]
    """Told, by destination id, that a secret or its state is new."""

    signature_wanted: Callable[[str], None]
    """Told, by `ref`, that only an app can help: see `SignatureWanted`."""

    nonce: Callable[[], str] = new_nonce

    def open(
        self,
        known: KnownDestination,
        contract: ServiceContract,
        transport: Transport,
        destination: Callable[[], Destination],
        key_name: Callable[[], str | None],
        *,
        floor: float,
    ) -> Account:
        """`destination`: where it is now; `key_name`: what its minted keys are called; `floor`: when a
        Retry-After ends that an earlier daemon was told (monotonic seconds).
        """
        credential = self._credential(known, contract, transport, destination, floor)
        authenticator = Authenticator(
            destination=destination,
            credential=credential,
            tokens=Tokens(known.ref, self.vault, self.clock),
            mint=Minting(contract, destination, transport, self.clock, key_name),
            contract=contract,
            clock=self.clock,
            nonce=self.nonce,
            signature_wanted=partial(self.signature_wanted, known.ref),
        )
        return Account(credential, authenticator)

    def _credential(
        self,
        known: KnownDestination,
        contract: ServiceContract,
        transport: Transport,
        destination: Callable[[], Destination],
        floor: float,
    ) -> Credential:
        record, changed = partial(self._record, known.id), partial(self.changed, known.id)
        scheme = registration_of(contract)
        if known.destination.kind is not IdentityKind.INSTALL or scheme is None:
            return GivenSecret(
                known,
                vault=self.vault,
                clock=self.clock,
                record=record,
                changed=changed,
                source=self.key_source(contract, known.destination),
            )
        return Registration(
            known,
            vault=self.vault,
            register=Bootstrap(contract, scheme, destination, transport, self.clock),
            clock=self.clock,
            wait=lambda failures, most: backoff.delay(failures, self.chance, most=most),
            record=record,
            asked_to_wait=partial(self._keep_wait, known.id),
            changed=changed,
            floor=floor,
            dormant=known.forgotten,
        )

    async def _record(self, destination_id: int, state: CredentialState, error: str | None) -> None:
        try:
            await self.outbox.set_credential(destination_id, state, error)
        except OutboxUnavailable as cause:
            _log.warning("the credential's state is not kept: %s", cause)

    async def _keep_wait(self, destination_id: int, seconds: float, error: str) -> None:
        until = self.clock.now() + seconds
        try:
            await self.outbox.set_backoff(destination_id, until, 1, f"{Pause.RETRY_AFTER}: {error}")
        except OutboxUnavailable as cause:
            _log.warning("the time that the service named is not kept over a restart: %s", cause)
