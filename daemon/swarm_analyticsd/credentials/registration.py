"""A token that the service mints for an install id: minted when there is none, renewed when it is refused.

Minting is single-flight. What a first refusal asks for is done at once; a token that is refused without ever
having worked is waited for longer and longer, so that a service that hands out bad tokens is not hammered.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeAlias, assert_never

from pydantic import SecretStr

from swarm_analytics_models.status import CredentialState
from swarm_analyticsd import policy
from swarm_analyticsd.clock import Clock
from swarm_analyticsd.credentials.credential import Credential
from swarm_analyticsd.credentials.proof import Minted, MintResult, Unproven, Why
from swarm_analyticsd.credentials.secret import UnusableSecret, checked_secret
from swarm_analyticsd.credentials.vault import Vault, VaultError
from swarm_analyticsd.outbox.rows import KnownDestination

_log = logging.getLogger(__name__)

Register: TypeAlias = Callable[[], Awaitable[MintResult]]
Wait: TypeAlias = Callable[[int, float], float]
"""Seconds to wait after so many failures in a row, up to the cap."""


class Registration(Credential):
    """Registers whenever there is need."""

    def __init__(
        self,
        known: KnownDestination,
        *,
        vault: Vault,
        register: Register,
        clock: Clock,
        wait: Wait,
        record: Callable[[CredentialState, str | None], Awaitable[None]],
        asked_to_wait: Callable[[float, str], Awaitable[None]],
        changed: Callable[[], None],
        floor: float = 0.0,
        dormant: bool = False,
    ) -> None:
        """`asked_to_wait` keeps a Retry-After over restarts; `floor` is when one ends that an earlier daemon
        was told (monotonic seconds). `dormant`: do not register before there is something to send.
        """
        super().__init__(known, vault=vault, clock=clock, record=record, changed=changed)
        self._register = register
        self._back_off = wait
        self._asked_to_wait = asked_to_wait
        self._unproven = False
        """The secret was minted by us and has never worked yet."""

        self._fruitless = 0
        """Tokens minted in a row that were refused before they ever worked."""

        self._failures = 0
        self._floor = floor
        self._dormant = dormant
        self._tries = 0
        self._news = asyncio.Condition()

    async def forget(self) -> None:
        """Use and keep the token no more, and register again only when there is need."""
        self._dormant, self.next_try_at = True, None
        await super().forget()

    def rouse(self) -> None:
        if self._dormant:
            self._dormant = False
            if self.secret is None:
                self.next_try_at = max(self._clock.monotonic(), self._floor)
            self._wake.set()

    def proven(self, generation: int) -> None:
        if generation == self.generation:
            self._unproven, self._fruitless = False, 0

    def hasten(self) -> None:
        """Try now, but not before the service's own time, nor hotly a token that fails."""
        if self.next_try_at is not None and not self._fruitless:
            self.next_try_at = max(self._clock.monotonic(), self._floor)
        self._wake.set()

    async def settled(self, timeout: float) -> tuple[CredentialState, str | None]:
        self.rouse()
        self.hasten()
        tries = self._tries

        def decided() -> bool:
            return self.state is CredentialState.PRESENT or (
                self.state is CredentialState.HELD and self._tries > tries
            )

        try:
            async with asyncio.timeout(timeout), self._news:
                await self._news.wait_for(decided)
        except TimeoutError:
            pass
        return self.state, self.error

    def _lay_aside(self, secret: SecretStr) -> None:
        self._fruitless = self._fruitless + 1 if self._unproven else 0
        self.next_try_at = self._clock.monotonic() + (
            max(
                self._back_off(self._fruitless, policy.REGISTRATION_REFUSED_MOST_S),
                policy.REGISTRATION_LEAST_S,
            )
            if self._fruitless
            else 0.0
        )

    async def _loaded(self, found: SecretStr | None) -> None:
        if found is not None and self.state is not CredentialState.HELD:
            await self._keep(found, stored=True)
            return
        if self._dormant:
            return
        self.next_try_at = max(self._clock.monotonic(), self._floor)
        if self.state is not CredentialState.HELD:
            await self._set(CredentialState.PENDING, self.error)

    def _pause(self) -> float | None:
        if self.secret is not None or self.next_try_at is None:
            return None
        return self.next_try_at - self._clock.monotonic()

    async def _renew(self) -> None:
        try:
            result = await self._register()
        except Exception as bug:
            _log.exception("a registration failed in a way that nobody foresaw; it is tried again")
            result = Unproven(Why.TROUBLE, f"registration failed: internal {type(bug).__name__}")
        self._tries += 1
        if self.secret is not None:  # adopted meanwhile
            return
        match result:
            case Minted(secret):
                await self._take(secret)
            case Unproven():
                await self._fail(result)
            case _:
                assert_never(result)

    async def _fail(self, failure: Unproven) -> None:
        if not failure.temporary:
            self._put_off(policy.REGISTRATION_REFUSED_MOST_S, None)
            await self._set(CredentialState.HELD, failure.error)
            return
        self._put_off(policy.REGISTRATION_MOST_S, failure.retry_after_s)
        if failure.retry_after_s is not None:
            await self._asked_to_wait(failure.retry_after_s, failure.error)
        held = self.state is CredentialState.HELD
        await self._set(CredentialState.HELD if held else CredentialState.PENDING, failure.error)

    async def _take(self, secret: SecretStr) -> None:
        try:
            secret = checked_secret(secret)
        except UnusableSecret as error:
            self._put_off(policy.REGISTRATION_REFUSED_MOST_S, None)
            await self._set(CredentialState.HELD, f"the service's token cannot be used: {error}")
            return
        stored = True
        try:
            await self._vault.put(self._ref, secret)
        except VaultError as error:
            stored = False
            _log.warning("%s; the token is kept in memory and minted again at the next start", error)
        await self._keep(secret, stored=stored, minted=True)

    def _put_off(self, most: float, retry_after_s: float | None) -> None:
        now = self._clock.monotonic()
        self._failures += 1
        self._floor = now + retry_after_s if retry_after_s is not None else self._floor
        wait = max(self._back_off(self._failures, most), policy.REGISTRATION_LEAST_S)
        self.next_try_at = max(now + wait, self._floor)

    async def _keep(self, secret: SecretStr, *, stored: bool = False, minted: bool = False) -> None:
        self._unproven, self._failures = minted, 0
        await super()._keep(secret, stored=stored)

    async def _set(self, state: CredentialState, error: str | None) -> None:
        await super()._set(state, error)
        async with self._news:
            self._news.notify_all()
