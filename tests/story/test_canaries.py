"""Security S7 and S11 over all five services at once: a canary in each place that a secret can come from.

What is searched: every file of the home, what the daemon, the app and every command say, at the most
talkative level, tracebacks and representations, arguments and environments. The one place that is left out is
the variable of the daemon's environment in which a user chose to put a key.
"""

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import pytest

from swarm_analytics.channel import DaemonChannel
from swarm_analytics.segops import sign_user_id
from swarm_analytics_models.home import AUTOSTART_VARIABLE, Home
from swarm_analytics_models.identifiers import fingerprint
from swarm_analytics_sandbox.stand_ins.segops import SIGNED_KEY, SIGNING_SECRET
from tests.story.canary_app import Secrets
from tests.story.scene import HomeView, command_with_input
from tests.support.processes import AppProcess, DaemonProcess, Processes, SandboxProcess
from tests.support.waiting import eventually

VARIABLE_KEY: Final = "sk-canary-variable-0d31"
FILE_KEY: Final = "ak_org_canary_file_77a2"
PERSONS_KEY: Final = "sk-canary-person-5e90"
SECOND_KEY: Final = "sk-canary-person-again-c4f1"
KEPT: Final = frozenset(
    {"segops_key", "user_signature", "openspawn_key", "agent_secret", "swarms_key", "syvain_key"}
)
"""What the vault has at the end, so that the search is seen to find it there."""

NO_SECRETS: Final = frozenset({"segops_public_key", "user_signed_at"})

COMMANDS: Final = (
    ("status",),
    ("events",),
    ("dead", "list"),
    ("config",),
    ("credential", "list"),
    ("why", "{key}"),
    ("dead", "show", "{key}"),
)

pytestmark = pytest.mark.timeout(180)


class Scene:
    """A daemon that finds keys around it, an app that brings some, and a person who types another."""

    def __init__(self, home: Path, config: Path, service: SandboxProcess, processes: Processes) -> None:
        self.home, self.service = home, service
        login = config / "syvain-metrics" / "auth.json"
        login.parent.mkdir(parents=True)
        login.write_text(json.dumps({"apiKey": FILE_KEY, "host": service.base_url}))
        self.daemon: DaemonProcess = processes.daemon(
            home,
            services={"swarms": service.base_url, "syvain": service.base_url},
            environment={
                "SWARM_ANALYTICSD_LOG_LEVEL": "debug",
                "SWARMS_API_KEY": VARIABLE_KEY,
                "XDG_CONFIG_HOME": str(config),
            },
        )
        signed = sign_user_id(SIGNING_SECRET, "u-1", int(time.time()))
        self.secrets = Secrets(
            install_token=service.register("canary"),
            segops_key="sk_canary_app_91c2",
            segops_public_key=SIGNED_KEY,
            user_signature=str(signed["user_id_sig"]),
            user_signed_at=int(signed["user_id_ts"]),
            openspawn_key="osp_ca" + "2b" * 31,
            agent_secret="c0ffee42" * 8,
            swarms_key="sk-canary-app-3f7a",
            syvain_key="ak_org_canary_app_b18d",
        )
        agent = {"agentId": "canary", "name": "Canary", "level": 9, "secret": self.secrets.agent_secret}
        service.configure("openspawn", agents=[agent])
        self.app: AppProcess = processes.app(
            "from tests.story.canary_app import main; main()",
            str(home),
            service.base_url,
            environment={AUTOSTART_VARIABLE: "0", "SWARMS_API_KEY": None},
        )
        self.app.say(json.dumps(asdict(self.secrets)) + "\n")
        self.issued: set[str] = set()
        self.minted: set[str] = set()
        self.told: list[str] = []

    def use(self) -> None:
        """Let the app do everything once more."""
        self.app.say("use\n")
        while not (line := self.app.line()).startswith("issued"):
            self.told.append(json.loads(line))
        self.issued |= set(json.loads(line.removeprefix("issued")))
        self.minted |= set(minted(self.home))

    def give(self, service: str, key: str) -> None:
        done = command_with_input(
            *("credential", "set", service, "--base-url", self.service.base_url, "--identity", "person"),
            *("--home", str(self.home)),
            text=key + "\n",
        )
        assert done.returncode == 0, done.stderr
        self.told += [done.stdout, done.stderr]

    def ask(self, method: str, path: str, body: Any = None) -> None:
        answer = DaemonChannel(self.home).request(method, path, body)
        self.told.append(json.dumps(answer))

    def dead(self) -> list[str]:
        found = DaemonChannel(self.home).request("GET", "/v1/events?state=dead")["events"]
        return [each["id"] for each in found]

    def look(self, key: str) -> None:
        """At everything that the command line and the API show."""
        for words in COMMANDS:
            for form in ((), ("--json",)):
                done = self.daemon.cli(*(word.format(key=key) for word in words), *form)
                self.told += [done.stdout, done.stderr]
        for path in ("status", "events", "config", "version", f"events/{key}?body=true"):
            self.ask("GET", f"/v1/{path}")
        for identity, secret in (("person", PERSONS_KEY), (fingerprint(SECOND_KEY), SECOND_KEY)):
            destination = {"service": "swarms", "base_url": self.service.base_url, "kind": "key"}
            self.ask("POST", "/v1/register", {**destination, "identity": identity, "adopt": secret})

    @property
    def canaries(self) -> dict[str, str]:
        """By what they are. A public key is none."""
        given = {name: text for name, text in asdict(self.secrets).items() if name not in NO_SECRETS}
        return {
            **given,
            "variable": VARIABLE_KEY,
            "file": FILE_KEY,
            "person's": PERSONS_KEY,
            "person's second": SECOND_KEY,
            **{f"minted {number}": token for number, token in enumerate(sorted(self.minted))},
            **{f"issued {number}": secret for number, secret in enumerate(sorted(self.issued))},
        }


def minted(home: Path) -> Iterator[str]:
    """The short-lived tokens in the vault."""
    for ref, text in json.loads(Home(home).credentials.read_text())["secrets"].items():
        if ref.endswith("/tokens"):
            yield from (token for token, *_ in json.loads(text).values())


@pytest.fixture
def scene(home: Path, tmp_path: Path, service: SandboxProcess, processes: Processes) -> Scene:
    return Scene(home, tmp_path / "config", service, processes)


def test_no_secret_of_any_service_is_found_outside_the_vault(scene: Scene, view: HomeView) -> None:
    scene.give("swarms", PERSONS_KEY)
    scene.use()
    eventually(lambda: view.ledger["delivered"] == 4, what="all but what a key is refused for")
    scene.give("swarms", SECOND_KEY)
    for status in (400, 401):
        scene.service.fail(status)
        scene.use()
    (dead, *_) = eventually(scene.dead, what="an event that the service rejected")
    scene.look(dead)

    canaries = scene.canaries
    kinds = {name.split()[0] for name in canaries}
    assert {"minted", "issued", "variable", "file"} <= kinds
    assert sum(name.startswith("minted") for name in canaries) == 3, "a session's, and two experiments'"
    files = view.files()
    assert {"outbox.db", "outbox.db-wal", "ballast", "address.json", "credentials.json"} <= set(files)
    assert any(name.startswith("inbox") for name in files)
    for name, secret in canaries.items():
        holding = [file for file, content in files.items() if secret.encode() in content]
        assert holding == ["credentials.json"] * (name in KEPT or bool(holding)), name
        assert not [text for text in scene.told if secret in text], name
        assert secret not in scene.daemon.errors, name
        assert secret not in scene.app.errors, name
        for pid in (scene.daemon.pid, scene.app.pid) if sys.platform == "linux" else ():
            assert secret.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes(), name
            if name != "variable":
                assert secret.encode() not in Path(f"/proc/{pid}/environ").read_bytes(), name
