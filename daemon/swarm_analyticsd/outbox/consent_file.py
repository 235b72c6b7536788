"""What the user allows, once more outside the database: an opt-out outlives the loss of the whole outbox."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from swarm_analytics_models.categories import ConsentMode
from swarm_analytics_models.private import UnsafePath, check_private_file, replace_private_file


@dataclass(frozen=True, slots=True)
class Decided:
    """What a person decided about one service."""

    mode: ConsentMode
    moment: str | None
    """A UUIDv7: moments sort by it. None: decided before moments were kept."""


class ConsentFile:
    """A JSON file of mode 0600. Whatever is wrong with it is told and stops nothing: the database leads."""

    def __init__(self, path: Path | None) -> None:
        """None: the outbox is in memory, and so is all that was decided."""
        self.trouble: str | None = None
        """For a person: why the file cannot be relied upon."""

        self._path = path

    def read(self) -> dict[str, Decided] | None:
        """By service; None where nothing was ever decided, or nobody can say."""
        if self._path is None or not self._path.exists():
            return None
        try:
            check_private_file(self._path)
            services = json.loads(self._path.read_bytes())["services"]
            return {
                name: Decided(ConsentMode(each["mode"]), each["moment"]) for name, each in services.items()
            }
        except UnsafePath as error:
            self.trouble = f"{error.message}. {error.hint}"
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            cause = type(error).__name__
            self.trouble = f"{self._path.name} cannot be read ({cause}); the next decision writes it anew."
        return None

    def write(self, decided: Mapping[str, Decided]) -> None:
        """Durable when this returns, unless `trouble` says why not."""
        if self._path is None:
            return
        services = {name: {"mode": each.mode.value, "moment": each.moment} for name, each in decided.items()}
        try:
            content = json.dumps({"version": 1, "services": services}).encode()
            replace_private_file(self._path, content, durable=True)
            self.trouble = None
        except OSError as error:
            self.trouble = (
                f"{self._path.name} cannot be written ({error.strerror}): should the outbox be lost, so is "
                "what was decided about consent. Free some space."
            )
