"""SECURITY S1 and S2: where the daemon listens, and who may open it."""

import os
import socket
import stat
from pathlib import Path

import pytest

from swarm_analytics_models.home import MAX_SOCKET_PATH_BYTES, Home, read_address
from swarm_analytics_models.private import UnsafePath
from swarm_analyticsd import policy
from swarm_analyticsd.homedir import prepare_home
from swarm_analyticsd.intake import listener
from swarm_analyticsd.intake.listener import announce, listen_loopback, listen_unix, socket_directory


@pytest.fixture
def made(home: Path) -> Home:
    prepare_home(Home(home))
    return Home(home)


@pytest.fixture
def long_home(home: Path) -> Home:
    long = Home(home / ("d" * 60) / ("e" * 60))
    prepare_home(long)
    return long


def test_s1_posix_listens_on_unix_sockets_by_default() -> None:
    assert policy.DEFAULT_LISTENER == "unix"


def test_s1_loopback_is_one_address_and_a_port_of_the_systems_choice(made: Home) -> None:
    listeners = listen_loopback(made)
    try:
        host, port = listeners.http.getsockname()
        assert host == "127.0.0.1"
        assert port >= 1024
        assert listeners.address == f"http://127.0.0.1:{port}"
        with socket.socket() as second:
            second.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with pytest.raises(OSError, match="in use"):
                second.bind((host, port))
    finally:
        listeners.close()


def test_s2_sockets_and_files_are_open_to_their_owner_alone_whatever_the_umask(made: Home) -> None:
    before = os.umask(0)
    try:
        listeners = listen_unix(made)
        announce(made, listeners)
    finally:
        os.umask(before)
    try:
        for name in ("daemon.sock", "handoff.sock", "address.json"):
            assert stat.S_IMODE((made.root / name).stat().st_mode) == 0o600
    finally:
        listeners.withdraw()
        listeners.close()
    assert sorted(os.listdir(made.root)) == ["inbox"]


def test_a_stale_socket_of_a_dead_daemon_is_replaced(made: Home) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(made.root / "daemon.sock"))
    listeners = listen_unix(made)
    with socket.socket(socket.AF_UNIX) as app:
        app.connect(str(made.root / "daemon.sock"))
    listeners.close()


def test_s2_what_is_not_a_socket_of_ours_is_not_replaced(made: Home) -> None:
    (made.root / "daemon.sock").write_text("precious")
    with pytest.raises(UnsafePath, match="Move it away"):
        listen_unix(made)
    (made.root / "daemon.sock").unlink()
    (made.root / "daemon.sock").symlink_to(made.root / "elsewhere")
    with pytest.raises(UnsafePath, match="Move it away"):
        listen_unix(made)


def test_a_long_home_has_its_sockets_in_a_private_runtime_directory(
    long_home: Home, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = home.parent / "run"
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    listeners = listen_unix(long_home)
    announce(long_home, listeners)
    try:
        address = read_address(long_home)
        assert address is not None
        assert address.handoff is not None
        for path in (Path(address.handoff), Path(address.address.removeprefix("unix:"))):
            assert path.is_relative_to(runtime)
            assert len(os.fsencode(path)) < MAX_SOCKET_PATH_BYTES
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    finally:
        listeners.close()


def test_s2_a_shared_directory_is_never_used_for_sockets(
    long_home: Home, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = home.parent / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    own = home.parent / "own"
    own.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(shared))
    monkeypatch.setenv("HOME", str(own))
    directory = socket_directory(long_home)
    assert not directory.is_relative_to(shared)
    assert list(shared.iterdir()) == []


def test_without_any_private_place_the_remedy_is_named(
    long_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "_runtime_directories", lambda: iter(()))
    with pytest.raises(UnsafePath, match="--listen loopback"):
        listen_unix(long_home)


def test_the_address_file_is_there_whole_or_not_at_all(made: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    listeners = listen_unix(made)
    try:
        announce(made, listeners)
        before = made.address.read_bytes()

        def fail(*_: object) -> None:
            raise OSError("disk full")

        monkeypatch.setattr("swarm_analyticsd.intake.listener.os.replace", fail)
        with pytest.raises(OSError, match="disk full"):
            announce(made, listeners)
        assert made.address.read_bytes() == before
        assert [name for name in os.listdir(made.root) if name.startswith(".")] == []
    finally:
        listeners.close()
