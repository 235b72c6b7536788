"""Where secrets are kept: the system's keyring where there is one, else a file that only its owner may read.

A secret is filed under a destination's `ref`, which is made from service, origin and identity, so that it
cannot be found, and so not be sent, for another origin.
"""

import asyncio
import contextlib
import hashlib
import json
import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeVar

from pydantic import SecretStr

from swarm_analytics_models.home import Home
from swarm_analytics_models.private import UnsafePath, check_private_file
from swarm_analyticsd import policy

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

T = TypeVar("T")
CredentialStore = Literal["auto", "keyring", "file"]
KEYRING_SERVICE: Final = "swarm-analyticsd"

_log = logging.getLogger(__name__)


class VaultError(Exception):
    """Secrets cannot be read or kept. Says why and what to do, never a secret."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(f"{message}. {hint}")
        self.message = message
        self.hint = hint


class Vault(Protocol):
    """Keeps one secret for each destination. Every method may raise VaultError."""

    @property
    def description(self) -> str:
        """Where the secrets are, for a person."""
        ...

    async def get(self, ref: str) -> SecretStr | None: ...

    async def put(self, ref: str, secret: SecretStr) -> None: ...

    async def delete(self, ref: str) -> None:
        """Forget a secret; nothing happens where there is none."""
        ...


def open_vault(choice: CredentialStore, home: Home) -> Vault:
    """The vault a setting asks for. Touches neither disk nor keyring yet."""
    file = FileVault(home.credentials)
    if choice == "file":
        return file
    keyring = KeyringVault(home)
    return keyring if choice == "keyring" else PreferredVault(keyring, file)


class MemoryVault:
    """For tests, and for a home that keeps nothing: forgotten when the daemon ends."""

    description = "memory"

    def __init__(self) -> None:
        self._secrets: dict[str, SecretStr] = {}

    async def get(self, ref: str) -> SecretStr | None:
        return self._secrets.get(ref)

    async def put(self, ref: str, secret: SecretStr) -> None:
        self._secrets[ref] = secret

    async def delete(self, ref: str) -> None:
        self._secrets.pop(ref, None)


class FileVault:
    """A JSON file of mode 0600, replaced as a whole: a crash leaves the old one or the new one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = asyncio.Lock()

    @property
    def description(self) -> str:
        return f"file {self._path} (readable by its owner alone, not encrypted)"

    async def get(self, ref: str) -> SecretStr | None:
        async with self._lock:
            text = (await asyncio.to_thread(self._read)).get(ref)
        return None if text is None else SecretStr(text)

    async def put(self, ref: str, secret: SecretStr) -> None:
        async with self._lock:
            await asyncio.to_thread(self._change, ref, secret)

    async def delete(self, ref: str) -> None:
        async with self._lock:
            await asyncio.to_thread(self._change, ref, None)

    def _read(self) -> dict[str, str]:
        try:
            check_private_file(self._path)
            content = json.loads(self._path.read_bytes())
        except FileNotFoundError:
            return {}
        except UnsafePath as error:
            raise VaultError(error.message, error.hint) from error
        except (OSError, ValueError) as error:
            raise VaultError(
                f"{self._path} cannot be read ({type(error).__name__})",
                "Move it away; the daemon registers again where it can.",
            ) from None
        secrets = content.get("secrets") if isinstance(content, dict) else None
        if not isinstance(secrets, dict):
            raise VaultError(f"{self._path} holds no secrets of ours", "Move it away.")
        return {ref: text for ref, text in secrets.items() if isinstance(text, str)}

    def _change(self, ref: str, secret: SecretStr | None) -> None:
        secrets = self._read()
        if secret is None:
            if secrets.pop(ref, None) is None:
                return
        else:
            secrets[ref] = secret.get_secret_value()
        try:
            self._replace(json.dumps({"version": 1, "secrets": secrets}).encode())
        except OSError as error:
            raise VaultError(
                f"{self._path} cannot be written ({error.strerror})",
                "Make room, or make its folder writable.",
            ) from None

    def _replace(self, content: bytes) -> None:
        fresh = self._path.with_name(self._path.name + ".new")
        with contextlib.suppress(FileNotFoundError):
            fresh.unlink()
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, self._path)
        if os.name == "posix":
            directory = os.open(self._path.parent, os.O_RDONLY)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)


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
        except Exception as error:
            self._unusable = type(error).__name__
        raise self._error()

    def _usable(self) -> "KeyringBackend":
        if self._backend is None:
            self._backend = self._load()
        return self._backend

    def _error(self) -> VaultError:
        return VaultError(
            f"the system's keyring cannot be used ({self._unusable})",
            "Unlock it and restart the daemon, or set credential_store to file.",
        )


class PreferredVault:
    """The keyring while it works, else the file; says aloud when it turns to the file."""

    def __init__(self, keyring: Vault, file: Vault) -> None:
        self._keyring: Vault | None = keyring
        self._file = file

    @property
    def description(self) -> str:
        return (self._keyring or self._file).description

    async def get(self, ref: str) -> SecretStr | None:
        """What is in the file is newer: it is there only since the keyring once failed."""
        found = await self._file.get(ref)
        if found is None and self._keyring is not None:
            try:
                found = await self._keyring.get(ref)
            except VaultError as error:
                self._turn_to_file(error)
        return found

    async def put(self, ref: str, secret: SecretStr) -> None:
        if self._keyring is not None:
            try:
                await self._keyring.put(ref, secret)
            except VaultError as error:
                self._turn_to_file(error)
            else:
                await self._file.delete(ref)
                return
        await self._file.put(ref, secret)

    async def delete(self, ref: str) -> None:
        await self._file.delete(ref)
        if self._keyring is not None:
            try:
                await self._keyring.delete(ref)
            except VaultError as error:
                self._turn_to_file(error)

    def _turn_to_file(self, error: VaultError) -> None:
        self._keyring = None
        _log.warning("%s; credentials go to the %s", error.message, self._file.description)


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
