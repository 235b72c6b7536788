"""Which vault a home uses."""

import logging

from pydantic import SecretStr

from swarm_analytics_models.home import Home
from swarm_analyticsd.credentials.file_vault import FileVault
from swarm_analyticsd.credentials.keyring_vault import KeyringVault
from swarm_analyticsd.credentials.vault import NoKeyring, Vault, VaultError
from swarm_analyticsd.settings import CredentialStore

_log = logging.getLogger(__name__)


def open_vault(choice: CredentialStore, home: Home) -> Vault:
    """The vault a setting asks for. Touches neither disk nor keyring yet."""
    file = FileVault(home.credentials)
    if choice == "file":
        return file
    keyring = KeyringVault(home)
    return keyring if choice == "keyring" else PreferredVault(keyring, file)


class PreferredVault:
    """The keyring while it works, else the file; says aloud when it turns to the file."""

    def __init__(self, keyring: Vault, file: FileVault) -> None:
        self._keyring: Vault | None = keyring
        self._failed: VaultError | None = None
        """Why a keyring that this system has cannot be used."""

        self._file = file

    @property
    def description(self) -> str:
        """The file also while it still has what an earlier daemon could not give to the keyring."""
        keyring = None if self._file.exists() else self._keyring
        return (keyring or self._file).description

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
        """Raises VaultError where a keyring that fails may still have the secret."""
        await self._file.delete(ref)
        if self._keyring is not None:
            try:
                await self._keyring.delete(ref)
            except VaultError as error:
                self._turn_to_file(error)
        if self._failed is not None:
            raise VaultError(
                f"the secret may still be in the keyring: {self._failed.message}",
                "Unlock the keyring, restart the daemon, and remove it again.",
            ) from self._failed

    def _turn_to_file(self, error: VaultError) -> None:
        self._keyring = None
        self._failed = None if isinstance(error, NoKeyring) else error
        _log.warning("%s; credentials go to the %s", error.message, self._file.description)
