"""Local agents of the distribution: how each is told to take lines, keep them on disk, and post them."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.support.waiting import eventually

START_TIMEOUT_S: Final = 30.0
STOP_TIMEOUT_S: Final = 20.0
INSTALL: Final = "apt install syslog-ng-core syslog-ng-mod-http rsyslog rsyslog-elasticsearch"
WHERE: Final = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])

SYSLOG_NG: Final = """\
@version: 3.38
options {{ stats-freq(0); }};
source lines {{ network(ip("127.0.0.1") port({port}) transport("tcp") flags(no-parse)); }};
destination service {{
  http(url("http://127.0.0.1:{service}/agent") method("POST")
    body("$MSG") delimiter("\\n") batch-lines({batch})
    disk-buffer(reliable(yes) disk-buf-size(268435456) mem-buf-size(10485760) dir("{directory}")));
}};
log {{ source(lines); destination(service); flags(flow-control); }};
"""
RSYSLOG: Final = """\
global(workDirectory="{directory}")
module(load="imtcp")
module(load="omelasticsearch")
template(name="line" type="string" string="%rawmsg%")
input(type="imtcp" address="127.0.0.1" port="{port}" ruleset="lines")
ruleset(name="lines") {{
  action(type="omelasticsearch" server="127.0.0.1" serverport="{service}"
    searchIndex="agent" searchType="line" template="line" action.resumeRetryCount="-1"
    queue.type="{queue}" queue.filename="lines" queue.saveOnShutdown="on"
    queue.syncQueueFiles="{synced}" queue.maxDiskSpace="1g")
}}
"""


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent with one way to keep what it has taken."""

    name: str
    program: str
    configuration: str
    choices: tuple[tuple[str, str], ...]

    @property
    def path(self) -> str | None:
        """Where it is installed."""
        return shutil.which(self.program, path=WHERE)

    @contextmanager
    def running(self, directory: Path, port: int, service: int) -> "Iterator[subprocess.Popen[bytes]]":
        """It takes lines at `port` and posts them to the port `service`; killed at the end."""
        configuration = directory / "agent.conf"
        content = self.configuration.format(
            port=port, service=service, directory=directory, **dict(self.choices)
        )
        configuration.write_text(content)
        with (directory / "agent.log").open("ab") as log:
            process = subprocess.Popen(
                self._command(configuration), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            eventually(
                lambda: process.poll() is not None or listens(port), timeout=START_TIMEOUT_S, what=self.name
            )
            if process.poll() is not None:
                raise AssertionError(f"{self.name}: {(directory / 'agent.log').read_text()[-500:]}")
            yield process
        finally:
            process.kill()
            process.wait(STOP_TIMEOUT_S)

    def _command(self, configuration: Path) -> list[str]:
        path, directory = self.path, configuration.parent
        assert path is not None, f"{self.program} is not installed"
        if self.program == "rsyslogd":
            return [path, "-n", "-f", str(configuration), "-i", str(directory / "agent.pid")]
        files = [f"--{name}={directory / f'agent.{name}'}" for name in ("persist-file", "pidfile", "control")]
        return [path, "--foreground", "--no-caps", f"--cfgfile={configuration}", *files]


AGENTS: Final = (
    Agent("syslog-ng, reliable disk buffer", "syslog-ng", SYSLOG_NG, (("batch", "1"),)),
    Agent("syslog-ng, the same, 100 in a request", "syslog-ng", SYSLOG_NG, (("batch", "100"),)),
    Agent("rsyslog, disk-assisted", "rsyslogd", RSYSLOG, (("queue", "LinkedList"), ("synced", "off"))),
    Agent("rsyslog, disk queue", "rsyslogd", RSYSLOG, (("queue", "Disk"), ("synced", "off"))),
)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1.0):
        return True
    return False
