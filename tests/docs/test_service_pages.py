"""The examples of the services' pages are run as they stand, against a daemon and the sandbox."""

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from swarm_analytics_models.home import HOME_VARIABLE
from swarm_analytics_sandbox.stand_ins.openspawn.organization import FOUNDER_SECRET
from tests.support.child import child_environment
from tests.support.processes import Processes

DOCS: Final = Path(__file__).parents[2] / "docs"
SERVICE: Final = "https://sandbox.invalid"
"""Stands for the sandbox's base URL, known when it runs."""

PAGES: Final[Mapping[str, Mapping[str, str]]] = {
    "openspawn": {"https://api.openspawn.dev": SERVICE, "...64 hexadecimal digits...": FOUNDER_SECRET},
    "segops": {"https://api.segops.ai": SERVICE, "sk_...": "sk_ok", "pk_...": "pk_signed"},
    "swarms": {},
    "syvain": {},
}
"""What of each page is an example's own, and what stands there when it is run."""

GIVEN: Final = {
    "segops": 'hmac_secret = "00" * 32\n',
    "swarms": 'team = [{"agent_name": "Researcher"}]\n',
}
"""Names that a page's examples take for granted."""


@pytest.mark.parametrize("service", sorted(PAGES))
def test_the_examples_of_a_page_run_in_their_order(
    service: str, home: Path, processes: Processes, tmp_path: Path
) -> None:
    sandbox = processes.sandbox()
    login = tmp_path / "syvain-metrics" / "auth.json"
    login.parent.mkdir()
    login.write_text(json.dumps({"apiKey": "ak_org_page", "host": sandbox.base_url}))
    environment = {HOME_VARIABLE: str(home), "XDG_CONFIG_HOME": str(tmp_path)}
    processes.daemon(home, services={"swarms": sandbox.base_url}, environment=environment)
    page = (DOCS / f"{service}.md").read_text()
    script = GIVEN.get(service, "") + "".join(re.findall(r"^```python\n(.*?)^```", page, re.M | re.S))
    for example, present in PAGES[service].items():
        assert example in script
        script = script.replace(example, present)
    done = subprocess.run(
        [sys.executable, "-c", script.replace(SERVICE, sandbox.base_url)],
        env=child_environment(environment),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert {request["answered"][0] for request in sandbox.requests()} == {"2"}
