"""Which server the client's calls go to, and as whom."""

import os
from typing import Final, Literal, TypeAlias, get_args

from pydantic import SecretStr

from swarm_analytics.calls import Target
from swarm_analytics_models.calls import CallSettings
from swarm_analytics_models.home import resolve_home
from swarm_analytics_models.identifiers import IdentityKind, fingerprint, parse_base_url

SERVICE: Final = "openspawn"
PATH_PREFIX: Final = "/api/v1"
"""What the server puts before its routes."""

TIMEOUT_S: Final = 30.0
"""Of one attempt; the SDK's own default, as is the next."""

MAX_RETRIES: Final = 3

MAX_AGENT_ID_CHARACTERS: Final = 100
"""The server's own limit."""

Signature: TypeAlias = Literal["server", "python_sdk", "typescript_sdk", "documentation"]
"""What a signature covers, by who says so. All but the first are refused by the server."""


def target_of(
    base_url: str,
    *,
    api_key: str | None,
    agent_id: str | None,
    secret: str | None,
    timeout: float,
    max_retries: int,
    path_prefix: str,
    signature: Signature | None,
    home: str | os.PathLike[str] | None,
) -> Target:
    """Raises ValueError for what cannot be meant."""
    if api_key:
        kind, identity, proof = IdentityKind.KEY, fingerprint(api_key), api_key
    elif agent_id and secret:
        if len(agent_id) > MAX_AGENT_ID_CHARACTERS:
            raise ValueError(f"agent_id must be at most {MAX_AGENT_ID_CHARACTERS} characters long")
        kind, identity, proof = IdentityKind.AGENT, agent_id, secret
    else:
        raise ValueError("no credential: give api_key, or both agent_id and secret")
    for name, text in (("agent_id", identity), ("api_key" if api_key else "secret", proof)):
        if not (text.isascii() and text.isprintable()):
            raise ValueError(f"{name} must be printable ASCII: it travels in a header")
    if signature is not None and signature not in get_args(Signature):
        raise ValueError(f"signature {signature!r} must be one of {', '.join(get_args(Signature))}")
    return Target(
        home=resolve_home(home),
        service=SERVICE,
        base_url=_with_path(base_url, path_prefix),
        kind=kind,
        identity=identity,
        secret=SecretStr(proof),
        settings=CallSettings(timeout_s=timeout, max_retries=max_retries, signature=signature),
    )


def _with_path(base_url: str, path_prefix: str) -> str:
    """`base_url`, and `path_prefix` where it has no path of its own. Raises ValueError."""
    if path_prefix and not path_prefix.startswith("/"):
        raise ValueError(f"path_prefix {path_prefix!r} must be empty or begin with a slash, as /api/v1")
    endpoint = parse_base_url(base_url)
    return parse_base_url(endpoint.base_url if endpoint.prefix else endpoint.origin + path_prefix).base_url
