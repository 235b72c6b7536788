"""The README's examples are run as they stand, against a daemon and a stand-in for the service."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

from swarm_analytics.channel import DaemonChannel
from swarm_analytics_models.home import HOME_VARIABLE, Home
from tests.support.child import child_environment
from tests.support.processes import Processes

README: Final = (Path(__file__).parents[2] / "README.md").read_text()
URL: Final = "https://analytics.openswarm.ai"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def test_the_examples_run_in_their_order_and_every_event_arrives(home: Path, processes: Processes) -> None:
    service = processes.sandbox()
    examples = blocks("python")
    assert len(examples) == 5
    assert all(URL in example for example in examples if "base_url" in example or "services" in example)
    drained = "\nassert client.flush(timeout=20)\n"
    script = "".join(example + drained for example in examples).replace(URL, service.base_url)
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=child_environment({HOME_VARIABLE: str(home)}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    counts = service.ledger()
    called = len(re.findall(r"^client\.(?!close|flush)", script, re.MULTILINE))
    assert (counts["received"], counts["bad"]) == (called, 0)


def test_the_fixture_example_is_a_passing_test(tmp_path: Path) -> None:
    (example,) = blocks("python pytest")
    (tmp_path / "test_example.py").write_text(example)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "--rootdir",
            str(tmp_path),
            str(tmp_path),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


def test_the_line_for_other_languages_is_accepted(home: Path, processes: Processes) -> None:
    processes.daemon(home, services={"openswarm": "http://127.0.0.1:1"})
    (line,) = blocks("json")
    answer = DaemonChannel(Home(home)).send(
        "POST", "/v1/hand-off", line.encode(), {"Content-Type": "application/x-ndjson"}
    )
    assert (answer["accepted"], answer["refused"]) == (1, [])
