"""One conformance suite for every vault, and what is special about each."""

import json
import logging
import os
import stat
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked
from pydantic import SecretStr

from swarm_analytics_models.home import Home
from swarm_analytics_models.identifiers import Destination, IdentityKind
from swarm_analyticsd.credentials.choice import PreferredVault, open_vault
from swarm_analyticsd.credentials.file_vault import FileVault
from swarm_analyticsd.credentials.keyring_vault import KeyringVault
from swarm_analyticsd.credentials.vault import MemoryVault, Vault, VaultError

pytestmark = pytest.mark.anyio

FIRST, SECOND = SecretStr("canary-first"), SecretStr('canary-"sécond" \n')


class FakeKeyring(KeyringBackend):  # type: ignore[misc, unused-ignore]
    """A keyring in memory, which can be locked or hang."""

    priority = 0.1  # type: ignore[assignment, unused-ignore]
    name = "fake"

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kept: dict[tuple[str, str], str] = {}
        self.trouble: Callable[[], None] = lambda: None
        self.calls = 0

    def get_password(self, service: str, username: str) -> str | None:
        self._called()
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._called()
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._called()
        del self.kept[service, username]

    def _called(self) -> None:
        self.calls += 1
        self.trouble()


def locked() -> None:
    raise KeyringLocked("canary: locked")


@pytest.fixture
def place(tmp_path: Path) -> Home:
    root = tmp_path / "home"
    root.mkdir(mode=0o700)
    return Home(root)


@pytest.fixture
def keyring() -> FakeKeyring:
    return FakeKeyring()


def preferred(place: Home, keyring: FakeKeyring, limit_s: float = 5.0) -> PreferredVault:
    return PreferredVault(
        KeyringVault(place, backend=lambda: keyring, limit_s=limit_s), FileVault(place.credentials)
    )


@pytest.fixture(params=["memory", "file", "keyring", "auto", "auto without a keyring"])
def vault(request: pytest.FixtureRequest, place: Home, keyring: FakeKeyring) -> Vault:
    match request.param:
        case "memory":
            return MemoryVault()
        case "file":
            return FileVault(place.credentials)
        case "keyring":
            return KeyringVault(place, backend=lambda: keyring)
        case "auto":
            return preferred(place, keyring)
        case _:
            return PreferredVault(KeyringVault(place, backend=without_keyring), FileVault(place.credentials))


def without_keyring() -> KeyringBackend:
    raise LookupError("this system has no keyring")


async def text(vault: Vault, ref: str) -> str | None:
    found = await vault.get(ref)
    return None if found is None else found.get_secret_value()


async def test_what_was_put_is_got_and_what_was_not_is_none(vault: Vault) -> None:
    assert await text(vault, "d_1") is None
    await vault.put("d_1", FIRST)
    await vault.put("d_2", SECOND)
    assert await text(vault, "d_1") == "canary-first"
    assert await text(vault, "d_2") == 'canary-"sécond" \n'


async def test_a_new_secret_replaces_the_old_one(vault: Vault) -> None:
    await vault.put("d_1", FIRST)
    await vault.put("d_1", SECOND)
    assert await text(vault, "d_1") == SECOND.get_secret_value()


async def test_a_forgotten_secret_is_gone_and_forgetting_twice_is_nothing(vault: Vault) -> None:
    await vault.put("d_1", FIRST)
    await vault.put("d_2", SECOND)
    for _ in range(2):
        await vault.delete("d_1")
    assert await text(vault, "d_1") is None
    assert await text(vault, "d_2") is not None


async def test_what_a_locked_keyring_may_still_have_is_not_said_to_be_removed(
    place: Home, keyring: FakeKeyring
) -> None:
    vault = preferred(place, keyring)
    await vault.put("d_1", FIRST)
    keyring.trouble = locked
    for _ in range(2):
        with pytest.raises(VaultError, match="may still be in the keyring"):
            await vault.delete("d_1")
    keyring.trouble = lambda: None
    again = preferred(place, keyring)
    await again.delete("d_1")
    assert await text(again, "d_1") is None


async def test_a_vault_says_where_it_is_and_never_what_it_holds(
    vault: Vault, caplog: pytest.LogCaptureFixture
) -> None:
    await vault.put("d_1", FIRST)
    shown = f"{vault.description} {vault!r} {await vault.get('d_1')!r} {caplog.text}"
    assert vault.description
    assert "canary" not in shown


async def test_another_origin_is_another_name_so_its_secret_is_not_found(vault: Vault) -> None:
    def ref(url: str) -> str:
        return Destination("openswarm", url, IdentityKind.INSTALL, "i").ref

    await vault.put(ref("https://a.example"), FIRST)
    assert await text(vault, ref("https://a.example/v2")) == "canary-first"
    for other in ("https://b.example", "http://a.example", "https://a.example:444"):
        assert await text(vault, ref(other)) is None


async def test_the_file_is_its_owners_alone_from_its_first_byte(place: Home) -> None:
    vault = FileVault(place.credentials)
    old = os.umask(0)
    try:
        await vault.put("d_1", FIRST)
        await vault.put("d_2", SECOND)
    finally:
        os.umask(old)
    assert stat.S_IMODE(place.credentials.stat().st_mode) == 0o600
    assert [path.name for path in place.root.iterdir()] == ["credentials.json"]
    assert await text(FileVault(place.credentials), "d_1") == "canary-first"


async def test_a_file_that_others_may_read_or_a_link_is_refused(place: Home, tmp_path: Path) -> None:
    vault = FileVault(place.credentials)
    await vault.put("d_1", FIRST)
    place.credentials.chmod(0o644)
    with pytest.raises(VaultError, match="chmod 600"):
        await vault.get("d_1")
    with pytest.raises(VaultError):
        await vault.put("d_1", SECOND)
    place.credentials.rename(tmp_path / "elsewhere")
    place.credentials.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(VaultError, match="symbolic link"):
        await vault.get("d_1")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"secrets": []}', b"\xff\xfe canary"])
async def test_a_damaged_file_is_refused_without_showing_it(place: Home, content: bytes) -> None:
    place.credentials.write_bytes(content)
    place.credentials.chmod(0o600)
    with pytest.raises(VaultError) as caught:
        await FileVault(place.credentials).get("d_1")
    assert "canary" not in str(caught.value)
    assert place.credentials.read_bytes() == content


async def test_a_crash_while_writing_leaves_the_old_file(
    place: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = FileVault(place.credentials)
    await vault.put("d_1", FIRST)

    def torn(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", torn)
        with pytest.raises(VaultError, match="No space left"):
            await vault.put("d_1", SECOND)
    assert await text(vault, "d_1") == "canary-first"
    await vault.put("d_1", SECOND)
    assert await text(vault, "d_1") == SECOND.get_secret_value()


async def test_the_new_file_is_on_the_disk_before_it_takes_the_old_ones_place(
    place: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    fsync, replace = os.fsync, os.replace

    def noted(name: str, real: Callable[..., None]) -> Callable[..., None]:
        def call(*given: Any) -> None:
            steps.append(name)
            real(*given)

        return call

    monkeypatch.setattr(os, "fsync", noted("fsync", fsync))
    monkeypatch.setattr(os, "replace", noted("replace", replace))
    await FileVault(place.credentials).put("d_1", FIRST)
    assert steps == ["fsync", "replace", "fsync"]


async def test_homes_do_not_share_what_is_in_the_keyring(tmp_path: Path, keyring: FakeKeyring) -> None:
    one, other = (KeyringVault(Home(tmp_path / name), backend=lambda: keyring) for name in "ab")
    await one.put("d_1", FIRST)
    assert await text(other, "d_1") is None
    await other.delete("d_1")
    assert await text(one, "d_1") == "canary-first"


async def test_a_keyring_that_waits_for_a_person_is_given_up_in_time(
    place: Home, keyring: FakeKeyring
) -> None:
    release = threading.Event()

    def ask_a_person() -> None:
        release.wait(30)

    keyring.trouble = ask_a_person
    vault = KeyringVault(place, backend=lambda: keyring, limit_s=0.05)
    started = time.monotonic()
    for _ in range(3):
        with pytest.raises(VaultError, match="no answer within"):
            await vault.get("d_1")
    assert time.monotonic() - started < 5
    assert keyring.calls == 1
    release.set()


async def test_without_a_working_keyring_secrets_go_to_the_file_and_that_is_said(
    place: Home, keyring: FakeKeyring, caplog: pytest.LogCaptureFixture
) -> None:
    vault = preferred(place, keyring)
    assert vault.description == "keyring"
    keyring.trouble = locked
    with caplog.at_level(logging.WARNING):
        await vault.put("d_1", FIRST)
    assert "credentials go to the file" in caplog.text
    assert "canary" not in caplog.text
    assert "file" in vault.description
    assert json.loads(place.credentials.read_text())["secrets"] == {"d_1": "canary-first"}


async def test_a_keyring_that_works_again_takes_the_secret_out_of_the_file(
    place: Home, keyring: FakeKeyring
) -> None:
    keyring.trouble = locked
    await preferred(place, keyring).put("d_1", FIRST)
    keyring.trouble = lambda: None
    vault = preferred(place, keyring)
    assert "file" in vault.description
    assert await text(vault, "d_1") == "canary-first"
    await vault.put("d_1", SECOND)
    assert not place.credentials.exists()
    assert vault.description.startswith("keyring")
    assert await text(vault, "d_1") == SECOND.get_secret_value()


async def test_the_setting_chooses_and_nothing_is_touched_before_it_is_needed(place: Home) -> None:
    assert isinstance(open_vault("file", place), FileVault)
    assert isinstance(open_vault("keyring", place), KeyringVault)
    assert isinstance(open_vault("auto", place), PreferredVault)
    assert list(place.root.iterdir()) == []


async def test_a_system_without_a_keyring_is_told_so(
    place: Home, monkeypatch: pytest.MonkeyPatch, system_keyring_fails: None
) -> None:
    with pytest.raises(VaultError, match="keyring cannot be used"):
        await KeyringVault(place).get("d_1")
    vault = open_vault("auto", place)
    await vault.put("d_1", FIRST)
    assert await text(vault, "d_1") == "canary-first"


@pytest.fixture
def system_keyring_fails() -> Iterator[None]:
    import keyring
    from keyring.backends import fail

    before = keyring.get_keyring()
    keyring.set_keyring(fail.Keyring())  # type: ignore[no-untyped-call]
    yield
    keyring.set_keyring(before)
