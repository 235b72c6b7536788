"""One destination's short-lived tokens, by resource: minted when needed, renewed before they end, kept.

A token counts only beside the secret that minted it: who has replaced a key writes nothing with the old one's
tokens, which the vault keeps with the fingerprint of their secret.

Minting is single-flight: who asks while a token is being minted shares what comes of it, the error too.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import SecretStr

from swarm_analyticsd import policy
from swarm_analyticsd.clock import Clock
from swarm_analyticsd.credentials.proof import Minted, MintResult, Unproven, Why
from swarm_analyticsd.credentials.secret import UnusableSecret, checked_secret
from swarm_analyticsd.credentials.vault import Vault, VaultError

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Token:
    secret: SecretStr = field(repr=False)
    expires_at: float
    """Unix time."""

    by: str
    """Fingerprint of the secret that minted it."""

    number: int
    """A refusal of an earlier one means nothing."""


class Tokens:
    """Hands out tokens. What the vault cannot keep is minted again after a restart."""

    def __init__(self, ref: str, vault: Vault, clock: Clock) -> None:
        self._place = f"{ref}/tokens"
        self._vault = vault
        self._clock = clock
        self._known: dict[str, Token] = {}
        self._numbers = 0
        self._clearings = 0
        self._mints: dict[tuple[str, str], asyncio.Task[Token | Unproven]] = {}
        self._loading = asyncio.Lock()
        self._loaded = False
        self._saves: set[asyncio.Task[None]] = set()
        self._saving = asyncio.Lock()

    def alive(self, resource: str, by: str, *, margin_s: float = 0.0) -> Token | None:
        """The resource's token if this secret minted it and it is valid for longer than `margin_s`."""
        token = self._known.get(resource)
        if token is None or token.by != by or token.expires_at - margin_s <= self._clock.now():
            return None
        return token

    async def load(self) -> None:
        """Read what an earlier daemon kept. Waits for the vault the first time only."""
        async with self._loading:
            if not self._loaded:
                self._loaded = True
                await self._load()

    async def mint(
        self, resource: str, by: str, work: Callable[[], Awaitable[MintResult]]
    ) -> Token | Unproven:
        """A new token for `resource`, through `work` or through this secret's mint that is under way."""
        task = self._mints.get((resource, by))
        if task is None:
            task = asyncio.create_task(self._mint(resource, by, work), name=f"mint-{resource[:40]}")
            self._mints[resource, by] = task
        return await asyncio.shield(task)

    def forget(self, resource: str, number: int) -> None:
        """The service refused this token."""
        token = self._known.get(resource)
        if token is not None and token.number == number:
            del self._known[resource]
            self._save_soon()

    async def drop(self, resource: str) -> None:
        """Use the resource's token no more, as far as there is one; the next request mints another."""
        await self.load()
        if self._known.pop(resource, None) is not None:
            self._save_soon()

    async def clear(self) -> None:
        """Forget all, and what is being minted. Raises VaultError."""
        self._known.clear()
        self._loaded = True
        self._clearings += 1
        async with self._saving:
            await self._vault.delete(self._place)

    async def aclose(self) -> None:
        """End what is being minted or saved; a token that is not kept is minted again."""
        tasks = [*self._mints.values(), *self._saves]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _mint(
        self, resource: str, by: str, work: Callable[[], Awaitable[MintResult]]
    ) -> Token | Unproven:
        clearings = self._clearings
        try:
            result = await work()
            if clearings != self._clearings:
                return Unproven(Why.TROUBLE, "the credential was removed while a token was minted")
            return self._take(resource, by, result) if isinstance(result, Minted) else result
        except Exception as bug:
            _log.exception("a token could not be minted, in a way that nobody foresaw")
            return Unproven(Why.TROUBLE, f"no token: internal {type(bug).__name__}")
        finally:
            self._mints.pop((resource, by), None)

    def _take(self, resource: str, by: str, minted: Minted) -> Token | Unproven:
        try:
            secret = checked_secret(minted.secret)
        except UnusableSecret as error:
            return Unproven(Why.TROUBLE, f"the service's token cannot be used: {error}")
        self._numbers += 1
        ends = minted.expires_at if minted.expires_at is not None else self._clock.now()
        token = Token(secret, ends, by, self._numbers)
        self._prune()
        self._known[resource] = token
        self._save_soon()
        return token

    def _prune(self) -> None:
        now = self._clock.now()
        self._known = {name: token for name, token in self._known.items() if token.expires_at > now}

    def _save_soon(self) -> None:
        task = asyncio.create_task(self._save())
        self._saves.add(task)
        task.add_done_callback(self._saves.discard)

    async def _save(self) -> None:
        async with self._saving:
            self._prune()
            content = _content(self._known)
            try:
                if content is not None:
                    await self._vault.put(self._place, content)
                else:
                    await self._vault.delete(self._place)
            except VaultError as error:
                _log.warning("%s; the token is kept in memory and minted again at the next start", error)

    async def _load(self) -> None:
        try:
            found = await self._vault.get(self._place)
        except VaultError as error:
            _log.warning("%s", error)
            return
        for resource, (secret, expires_at, by) in _kept(found).items():
            self._numbers += 1
            self._known.setdefault(resource, Token(SecretStr(secret), expires_at, by, self._numbers))
        self._prune()


def _content(tokens: Mapping[str, Token]) -> SecretStr | None:
    """Those that live longest, as many as the vault takes."""
    kept: dict[str, list[str | float]] = {}
    text = None
    for name, token in sorted(tokens.items(), key=lambda item: item[1].expires_at, reverse=True):
        kept[name] = [token.secret.get_secret_value(), token.expires_at, token.by]
        longer = json.dumps(kept, separators=(",", ":"))
        if len(longer) > policy.TOKENS_KEPT_CHARACTERS:
            break
        text = SecretStr(longer)
    return text


def _kept(found: SecretStr | None) -> dict[str, tuple[str, float, str]]:
    """What was saved; nothing of what somebody else may have written there."""
    try:
        content: Any = json.loads(found.get_secret_value()) if found is not None else {}
    except ValueError:
        return {}
    if not isinstance(content, dict):
        return {}
    return {
        name: (value[0], float(value[1]), value[2])
        for name, value in content.items()
        if isinstance(value, list)
        and len(value) == 3
        and isinstance(value[0], str)
        and isinstance(value[1], int | float)
        and isinstance(value[2], str)
    }
