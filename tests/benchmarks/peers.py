"""The peers: what a user would pick instead, each at a fixed version in an environment of its own."""

import shutil
import subprocess
import sys
import venv
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

ENVIRONMENTS: Final = Path(__file__).parents[2] / "build" / "bench-envs"

PINNED: Final[Mapping[str, tuple[str, ...]]] = {
    "swarm-analytics": ("swarm-analytics==0.1.1",),
    "segops": ("segops==0.2.2",),
    "posthog": ("posthog==7.91.1",),
    "segment": ("segment-analytics-python==2.4.0",),
    "opentelemetry": ("opentelemetry-sdk==1.45.2", "opentelemetry-exporter-otlp-proto-http==1.45.2"),
    "snowplow": ("snowplow-tracker==1.1.0",),
}
"""By the peer's name: what pip installs."""

INSTALL_TIMEOUT_S: Final = 600.0


class PeerAbsent(Exception):
    """A peer could not be installed. Says which, and what pip said."""


@dataclass
class Peers:
    """Interpreters that have a peer's package; made when first asked for, and kept."""

    directory: Path = ENVIRONMENTS
    absent: dict[str, str] = field(default_factory=dict)
    """Why a peer is not there, by its name."""

    def interpreter(self, name: str) -> Path:
        """The Python that has the peer `name`. Raises PeerAbsent."""
        if name in self.absent:
            raise PeerAbsent(f"{name}: {self.absent[name]}")
        place = self.directory / f"{name}-{sys.version_info[0]}.{sys.version_info[1]}"
        python = place / "bin" / "python"
        stamp = place / "installed"
        wanted = "\n".join(PINNED[name])
        if not stamp.exists() or stamp.read_text() != wanted:
            self._install(name, place, python)
            stamp.write_text(wanted)
        return python

    def available(self, *names: str) -> dict[str, Path]:
        """The interpreters of those that can be had; what cannot is in `absent`."""
        found = {}
        for name in names:
            try:
                found[name] = self.interpreter(name)
            except PeerAbsent as absent:
                print(absent, file=sys.stderr)
        return found

    def _install(self, name: str, place: Path, python: Path) -> None:
        print(f"installing {' '.join(PINNED[name])} into {place}", file=sys.stderr)
        shutil.rmtree(place, ignore_errors=True)
        venv.create(place, with_pip=True)
        done = subprocess.run(
            [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PINNED[name]],
            capture_output=True,
            text=True,
            timeout=INSTALL_TIMEOUT_S,
            check=False,
        )
        if done.returncode:
            self.absent[name] = (done.stderr.strip().splitlines() or ["pip failed"])[-1]
            raise PeerAbsent(f"{name}: {self.absent[name]}")
