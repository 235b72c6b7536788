"""What a person may set: defaults < ``config.toml`` < environment < flags, each value knowing its source."""

import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from swarm_analytics_models.api import SettingSource, SettingValue
from swarm_analytics_models.explained import Explained
from swarm_analytics_models.home import AUTOSTART_VARIABLE, HOME_VARIABLE, Durability, Home, Listen
from swarm_analytics_models.identifiers import InvalidBaseUrl, parse_base_url
from swarm_analytics_models.private import check_private_file
from swarm_analytics_models.services import contracts
from swarm_analyticsd import policy

PREFIX: Final = "SWARM_ANALYTICSD_"
SERVICE_PREFIX: Final = f"{PREFIX}SERVICE_"
NOT_SETTINGS: Final = frozenset({HOME_VARIABLE, AUTOSTART_VARIABLE})
"""Variables under our prefix that mean something else."""

NO_PROXY: Final = "direct"
"""Value of `proxy`, as `delivery.send` reads it: none, whatever the environment says."""


class UnfitSettings(Explained):
    """A setting that cannot be used. Names where it was set."""


def _known_services(services: dict[str, str]) -> dict[str, str]:
    for name, base_url in services.items():
        if name not in contracts():
            raise ValueError(f"no service is called {name!r}; known are {', '.join(sorted(contracts()))}")
        try:
            parse_base_url(base_url)
        except InvalidBaseUrl as error:
            raise ValueError(f"{name}: {error}") from error
    return services


def _usable_proxy(proxy: str | None) -> str | None:
    parts = urlsplit(proxy or "")
    if proxy in (None, NO_PROXY) or (parts.scheme in ("http", "https") and parts.hostname):
        return proxy
    raise ValueError(f"a proxy looks like http://host:port; {NO_PROXY!r} means none")


CredentialStore: TypeAlias = Literal["auto", "keyring", "file"]
"""Where secrets are kept; `auto`: in the keyring while it works, else in the file."""


class Settings(BaseModel):
    """The settings in force. Frozen: what changes while the daemon runs is not a setting."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    durability: Durability = "durable"
    listen: Listen = policy.DEFAULT_LISTENER
    services: Annotated[dict[str, str], AfterValidator(_known_services)] = Field(default_factory=dict)
    max_outbox_bytes: int = Field(default=policy.MAX_OUTBOX_BYTES, ge=policy.LEAST_OUTBOX_BYTES)
    max_age_days: float = Field(default=policy.MAX_AGE_DAYS, gt=0, le=policy.MAX_AGE_DAYS)
    trail_days: float = Field(default=policy.TRAIL_DAYS, gt=0, le=policy.MAX_AGE_DAYS)
    credential_store: CredentialStore = "auto"
    proxy: Annotated[str | None, AfterValidator(_usable_proxy)] = None
    log_level: Literal["debug", "info", "warning", "error"] = "info"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a setting's value comes from."""

    source: SettingSource
    where: str


BUILT_IN: Final = Origin("default", "built in")


@dataclass(frozen=True, slots=True)
class Configuration:
    """Settings, and where each of those that were set was set."""

    settings: Settings
    origins: Mapping[str, Origin] = field(default_factory=dict)

    def explain(self) -> dict[str, SettingValue]:
        """Every setting by name with its value and its source; each service stands by itself."""
        values = self.settings.model_dump(exclude={"services"})
        values["proxy"] = _without_password(self.settings.proxy)
        values |= {f"services.{name}": url for name, url in sorted(self.settings.services.items())}
        answer = {}
        for name, value in values.items():
            origin = self.origins.get(name, BUILT_IN)
            answer[name] = SettingValue(value=value, source=origin.source, where=origin.where)
        return answer


def _without_password(proxy: str | None) -> str | None:
    """A proxy's URL as it may be shown."""
    if proxy is None or "@" not in proxy:
        return proxy
    before, _, place = proxy.rpartition("@")
    scheme, separator, login = before.rpartition("://")
    user, colon, _ = login.partition(":")
    return f"{scheme}{separator}{user}{colon and ':***'}@{place}"


def load_configuration(
    home: Home, flags: Mapping[str, object], environment: Mapping[str, str] | None = None
) -> Configuration:
    """Merge the layers. A flag that is None was not given. Raises UnfitSettings, UnsafePath, OSError."""
    merged: dict[str, Any] = {}
    origins: dict[str, Origin] = {}
    variables = os.environ if environment is None else environment
    for name, value, origin in (*_from_file(home), *_from_environment(variables), *_from_flags(flags)):
        if name.startswith("services."):
            merged.setdefault("services", {})[name.removeprefix("services.")] = value
        else:
            merged[name] = value
        origins[name] = origin
    try:
        return Configuration(Settings.model_validate(merged), origins)
    except ValidationError as error:
        raise _unfit(error, origins) from error


Setting = tuple[str, Any, Origin]


def _from_file(home: Home) -> Iterator[Setting]:
    path = home.config
    try:
        check_private_file(path)
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UnfitSettings(
            f"{path} is not TOML: {error}", "Mend the line, or move the file away."
        ) from error
    for name, value in content.items():
        if name == "services" and isinstance(value, dict):
            for service, base_url in value.items():
                yield f"services.{service}", base_url, Origin("file", str(path))
        else:
            yield name, value, Origin("file", str(path))


def _from_environment(variables: Mapping[str, str]) -> Iterator[Setting]:
    for variable, value in sorted(variables.items()):
        if not variable.startswith(PREFIX) or variable in NOT_SETTINGS:
            continue
        if variable.startswith(SERVICE_PREFIX):
            name = f"services.{variable.removeprefix(SERVICE_PREFIX).lower()}"
        else:
            name = variable.removeprefix(PREFIX).lower()
            if name not in Settings.model_fields or name == "services":
                continue  # of another version, or for another program of ours
        yield name, value, Origin("environment", variable)


def _from_flags(flags: Mapping[str, object]) -> Iterator[Setting]:
    for name, value in flags.items():
        if value is None:
            continue
        if name == "services" and isinstance(value, Mapping):
            for service, base_url in value.items():
                yield f"services.{service}", base_url, Origin("flag", "--service")
        else:
            yield name, value, Origin("flag", f"--{name.replace('_', '-')}")


def _unfit(error: ValidationError, origins: Mapping[str, Origin]) -> UnfitSettings:
    first = error.errors(include_url=False, include_input=False)[0]
    name = str(first["loc"][0]) if first["loc"] else "settings"
    nested = ".".join(str(step) for step in first["loc"])
    origin = origins.get(nested) or origins.get(name)
    if origin is None:
        origin = next((found for key, found in origins.items() if key.startswith(f"{name}.")), BUILT_IN)
    known = ", ".join(Settings.model_fields)
    if first["type"] == "extra_forbidden":
        return UnfitSettings(f"there is no setting {nested} ({origin.where})", f"Known settings: {known}.")
    reason = first["msg"].removeprefix("Value error, ")
    return UnfitSettings(f"setting {nested} ({origin.where}): {reason}", "Correct or remove it.")
