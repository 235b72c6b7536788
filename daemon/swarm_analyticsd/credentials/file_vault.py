"""Secrets in a file that only its owner may read."""

import asyncio
import json
from pathlib import Path

from pydantic import SecretStr

from swarm_analytics_models.private import UnsafePath, check_private_file, replace_private_file
from swarm_analyticsd.credentials.vault import VaultError


class FileVault:
    """A JSON file of mode 0600, replaced as a whole: a crash leaves the old one or the new one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = asyncio.Lock()

    @property
    def description(self) -> str:
        return f"file {self._path} (readable by its owner alone, not encrypted)"

    def exists(self) -> bool:
        """Whether it holds a secret: with the last one, the file is removed."""
        return self._path.exists()

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
            content = json.dumps({"version": 1, "secrets": secrets}).encode()
            replace_private_file(self._path, content, durable=True)
            if not secrets:
                self._path.unlink()
        except OSError as error:
            raise VaultError(
                f"{self._path} cannot be written ({error.strerror})",
                "Make room, or make its folder writable.",
            ) from None
