"""What the generated client knows of a route: data alone, no runtime."""

from dataclasses import dataclass

from pydantic import BaseModel


@dataclass(frozen=True, slots=True)
class ClientRoute:
    """One operation as the generator writes it into a client's route table."""

    service: str
    key: str
    category: str
    muted: bool
    """Not handed off by a client in mode ``minimal``."""

    request: type[BaseModel]
    stamps: tuple[str, ...]
    """Which of ``ts`` and ``submission_id`` the body carries."""

    opt_out_field: str | None
