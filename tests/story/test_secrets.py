"""Secrets, looked for everywhere but where they belong."""

import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from swarm_analytics_models.home import AUTOSTART_VARIABLE, Home
from tests.story.scene import INSTALL, Emitter, HomeView, command_with_input, wait_for
from tests.support.processes import Processes, SandboxProcess
from tests.support.waiting import eventually

ADOPTS: Final = """
import sys
from swarm_analytics import AnalyticsClient
home, base_url = sys.argv[1:]
token = sys.stdin.readline().strip()
client = AnalyticsClient(home=home, base_url=base_url, token=token)
print(client.logs.write(tag="adopted"), flush=True)
sys.stdin.readline()
"""


def secrets_in(home: Path) -> list[str]:
    """The tokens in the credentials file."""
    return re.findall(r"eyJ[\w-]+\.[\w-]+\.[\w-]+", Home(home).credentials.read_text())


def memory_of(pid: int) -> Iterator[bytes]:
    """What a process has in its writable memory, a megabyte at a time, overlapping (Linux)."""
    overlap = 4_096
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            addresses, access = line.split()[:2]
            if not access.startswith("rw") or line.endswith(("[vvar]", "[vsyscall]")):
                continue
            start, end = (int(address, 16) for address in addresses.split("-"))
            for place in range(start, end, 1 << 20):
                try:
                    memory.seek(place)
                    yield memory.read(min((1 << 20) + overlap, end - place))
                except OSError:
                    continue


def found_in_memory(pid: int, secret: str) -> bool:
    return any(secret.encode() in piece for piece in memory_of(pid))


def test_a_canary_token_is_found_in_the_credentials_file_and_nowhere_else(
    home: Path, view: HomeView, processes: Processes, service: SandboxProcess, app: Callable[..., Emitter]
) -> None:
    """Security S7 and S11: adopted, minted, renewed, given by a person; never written or told elsewhere."""
    daemon = processes.daemon(home, environment={"SWARM_ANALYTICSD_LOG_LEVEL": "debug"})
    emitter = app(service.base_url)
    keys = emitter.do("message", "a", 5, "x")
    adopted = service.register("canary")
    adopting = processes.app(ADOPTS, str(home), service.base_url, environment={AUTOSTART_VARIABLE: "0"})
    adopting.say(adopted + "\n")
    keys.append(adopting.line().strip())
    wait_for(service, keys)
    service.revoke(install_id=INSTALL)
    keys += emitter.do("message", "a", 5, "renewed")
    wait_for(service, keys)
    given = service.register("canary")
    (canary,) = [each for each in view.openswarm["destinations"] if each["identity"] == "install:canary"]
    told = command_with_input("credential", "set", canary["ref"], "--home", str(home), text=given + "\n")
    assert told.returncode == 0
    eventually(lambda: given in secrets_in(home), what="the credential that a person gave")
    secrets = {adopted, given, *secrets_in(home)}
    assert len(secrets) == 3, "the third was minted"

    said = [
        told.stdout + told.stderr,
        *(
            done.stdout + done.stderr
            for done in (
                daemon.cli("status"),
                daemon.cli("status", "--json"),
                daemon.cli("events", "--json"),
                daemon.cli("why", keys[0]),
                daemon.cli("config"),
                daemon.cli("credential", "list"),
            )
        ),
        daemon.errors,
        emitter.errors,
        json.dumps(view.why(keys[-1])),
    ]
    for secret in secrets:
        assert set(view.files_with(secret.encode())) <= {"credentials.json"}
        assert not [text for text in said if secret in text]
        if sys.platform == "linux":
            for pid in (daemon.pid, emitter.pid):
                assert secret.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes()
                assert secret.encode() not in Path(f"/proc/{pid}/environ").read_bytes()
    assert os.stat(Home(home).credentials).st_mode & 0o077 == 0


def test_an_app_that_passed_no_secret_in_has_none_in_its_memory(
    home: Path, processes: Processes, service: SandboxProcess, app: Callable[..., Emitter]
) -> None:
    """The token that the daemon minted for an install never enters the app, by whatever way it registered."""
    if sys.platform != "linux":
        return
    daemon = processes.daemon(home)
    emitter = app(service.base_url)
    wait_for(service, emitter.do("message", "a", 5, "x"))
    (minted,) = secrets_in(home)
    assert found_in_memory(daemon.pid, minted), "the search finds what is there"
    assert not found_in_memory(emitter.pid, minted)
    assert not found_in_memory(emitter.pid, minted.rpartition(".")[2]), "nor its signature"
