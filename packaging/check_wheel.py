"""Builds the wheel, installs it from its ordinary ranges into a new environment, delivers an event with it.

Run from the project's root with the project's own interpreter; exits 0 when the installed product works.
"""

import json
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
IN_THE_WHEEL: Final = (
    "swarm_analytics",
    "swarm_analytics_models",
    "swarm_analytics_sandbox",
    "swarm_analyticsd",
)
CLIENTS: Final = (
    "swarm_analytics.calls.async_caller",
    "swarm_analytics.calls.caller",
    "swarm_analytics.calls.exchange",
    "swarm_analytics.openspawn",
    "swarm_analytics.segops",
    "swarm_analytics.service",
    "swarm_analytics.swarms",
    "swarm_analytics.syvain",
)
APP: Final = """
import sys
from swarm_analytics import AnalyticsClient, start_daemon
with start_daemon(home=sys.argv[1]):
    client = AnalyticsClient(home=sys.argv[1], base_url=sys.argv[2], install_id="wheel")
    client.events.agent.create(id="a")
    assert client.flush(timeout=30), "the event was not delivered"
"""


def run(*command: str | Path, **options: object) -> str:
    done = subprocess.run(  # type: ignore[call-overload]
        [str(word) for word in command], check=True, stdout=subprocess.PIPE, text=True, **options
    )
    text: str = done.stdout
    return text


def build(directory: Path) -> Path:
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", directory, cwd=ROOT)
    (wheel,) = directory.glob("*.whl")
    return wheel


def check(wheel: Path, directory: Path) -> None:
    environment = directory / "environment"
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", wheel)
    installed = run(
        python,
        "-I",
        "-c",
        f"import {', '.join((*IN_THE_WHEEL, *CLIENTS))}; print(swarm_analytics.__file__)",
        cwd=directory,
    )
    if not installed.startswith(str(environment)):
        raise SystemExit(f"the wheel was not what was imported, but {installed}")
    run(environment / "bin" / "swarm-analyticsd", "version")
    deliver(python, directory)


def deliver(python: Path, directory: Path) -> None:
    variables = {
        name: value for name, value in os.environ.items() if not name.startswith("SWARM_ANALYTICSD_")
    } | {"SWARM_ANALYTICSD_CREDENTIAL_STORE": "file"}
    sandbox = subprocess.Popen(
        [python, "-I", "-m", "swarm_analyticsd", "sandbox"], stdout=subprocess.PIPE, text=True, env=variables
    )
    try:
        assert sandbox.stdout is not None
        base_url = json.loads(sandbox.stdout.readline())["base_url"]
        run(python, "-I", "-c", APP, directory / "home", base_url, env=variables, cwd=directory)
    finally:
        sandbox.terminate()
        sandbox.wait(15)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="sa-") as name:
        directory = Path(name)
        wheel = build(directory)
        check(wheel, directory)
        print(f"{wheel.name} installs and delivers.")


if __name__ == "__main__":
    main()
