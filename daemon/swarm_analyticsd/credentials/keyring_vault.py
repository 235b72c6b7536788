"""Secrets in the system's keyring."""

import asyncio
import contextlib
import hashlib
import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pydantic import SecretStr

from swarm_analytics_models.home import Home
from swarm_analyticsd import policy
from swarm_analyticsd.credentials.vault import NoKeyring, VaultError

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

T = TypeVar("T")
KEYRING_SERVICE: Final = "swarm-analyticsd"


class KeyringVault:
    """The system's keyring, each call in a thread with a time limit.

    A keyring may ask a person to unlock it and wait for hours. A call that takes too long is left to itself,
    and the keyring counts as unusable for the life of this daemon.
    """

    def __init__(
        self,
        home: Home,
        *,
        backend: Callable[[], "KeyringBackend"] | None = None,
        limit_s: float = policy.KEYRING_LIMIT_S,
    ) -> None:
        self._home = hashlib.sha256(os.fsencode(home.root)).hexdigest()[:12]
        self._load = backend if backend is not None else _system_keyring
        self._backend: KeyringBackend | None = None
        self._limit_s = limit_s
        self._unusable: str | None = None
        self._absent = False

    @property
    def description(self) -> str:
        if self._unusable is not None:
            return f"keyring (unusable: {self._unusable})"
        return "keyring" if self._backend is None else f"keyring ({self._backend.name})"

    async def get(self, ref: str) -> SecretStr | None:
        name = self._name(ref)
        text = await self._call(lambda keyring: keyring.get_password(KEYRING_SERVICE, name))
        return None if text is None else SecretStr(text)

    async def put(self, ref: str, secret: SecretStr) -> None:
        name = self._name(ref)
        await self._call(
            lambda keyring: keyring.set_password(KEYRING_SERVICE, name, secret.get_secret_value())
        )

    async def delete(self, ref: str) -> None:
        name = self._name(ref)

        def forget(keyring: "KeyringBackend") -> None:
            if keyring.get_password(KEYRING_SERVICE, name) is not None:
                keyring.delete_password(KEYRING_SERVICE, name)

        await self._call(forget)

    def _name(self, ref: str) -> str:
        """Homes of one user do not share secrets."""
        return f"{ref}@{self._home}"

    async def _call(self, work: Callable[["KeyringBackend"], T]) -> T:
        if self._unusable is not None:
            raise self._error()
        try:
            async with asyncio.timeout(self._limit_s):
                return await _in_own_thread(lambda: work(self._usable()))
        except TimeoutError:
            self._unusable = f"no answer within {self._limit_s:g} s"
        except LookupError as error:
            self._unusable, self._absent = type(error).__name__, True
        except Exception as error:
            self._unusable = type(error).__name__
        raise self._error()

    def _usable(self) -> "KeyringBackend":
        if self._backend is None:
            self._backend = self._load()
        return self._backend

    def _error(self) -> VaultError:
        kind = NoKeyring if self._absent else VaultError
        return kind(
            f"the system's keyring cannot be used ({self._unusable})",
            "Unlock it and restart the daemon, or set credential_store to file.",
        )


def _system_keyring() -> "KeyringBackend":
    import keyring
    from keyring.backends import fail, null

    backend = keyring.get_keyring()
    if isinstance(backend, fail.Keyring | null.Keyring):
        raise LookupError("this system has no keyring")
    return backend


async def _in_own_thread(work: Callable[[], T]) -> T:
    """Run `work` in a thread that nothing waits for at exit: it may never return."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(setter: Callable[[Any], None], value: Any) -> None:
        if not future.done():
            setter(value)

    def run() -> None:
        try:
            outcome: tuple[Callable[[Any], None], Any] = (future.set_result, work())
        except BaseException as error:
            outcome = (future.set_exception, error)
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, *outcome)

    threading.Thread(target=run, name="keyring", daemon=True).start()
    return await future
