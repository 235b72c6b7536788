"""``/_sandbox``: look at what was taken, script faults, revoke tokens, set modes, start over."""

import json
from dataclasses import asdict
from typing import Annotated, Any, Final

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, ConfigDict

from swarm_analytics_sandbox.faults import Script
from swarm_analytics_sandbox.ledger import Counts, GoodEvent
from swarm_analytics_sandbox.senders import fingerprint
from swarm_analytics_sandbox.service import Service
from swarm_analytics_sandbox.stand_in import Headers, StandIn

Limit = Annotated[int, Query(ge=1)]
SCHEMES: Final = ("Bearer ", "ApiKey ", "Basic ")
"""Shown in front of what is blotted out."""

After = Annotated[int, Query(ge=0)]


class Revocation(BaseModel):
    """Which tokens to revoke; neither given: all."""

    model_config = ConfigDict(extra="forbid")

    install_id: str | None = None
    token: str | None = None


class TokenLife(BaseModel):
    model_config = ConfigDict(extra="forbid")

    life_s: float


def control_routes(service: Service) -> APIRouter:
    router = APIRouter()

    @router.get("/ledger")
    async def ledger() -> dict[str, Any]:
        """Counts: in all, by route and by install."""
        taken = service.ledger
        return {
            **asdict(taken.total),
            "unauthorized": service.unauthorized,
            "tokens_minted": sum(office.minted for office in service.offices),
            "routes": _counts(taken.by_route),
            "installs": _counts(taken.by_install),
        }

    @router.get("/good")
    async def good(
        service_name: Annotated[str | None, Query(alias="service")] = None,
        route: str | None = None,
        install_id: str | None = None,
        after: After = 0,
        limit: Limit = 100_000,
    ) -> list[dict[str, Any]]:
        """Events that had an effect, in the order in which they were taken; `number` counts them from 1."""
        kept = service.ledger.good
        first = service.ledger.total.unique - len(kept) + 1
        wanted = (
            _shown(number, event)
            for number, event in enumerate(kept, first)
            if number > after
            and service_name in (None, event.service)
            and route in (None, event.route)
            and install_id in (None, event.install_id)
        )
        return [event for event, _ in zip(wanted, range(limit), strict=False)]

    @router.get("/bad")
    async def bad(limit: Limit = 1_000) -> list[dict[str, Any]]:
        """The newest bodies that were refused, as they came, with the reason."""
        return [{**asdict(event), "body": _text(event.body)} for event in list(service.ledger.bad)[-limit:]]

    @router.get("/state/{name}")
    async def state(name: str) -> Any:
        """What a service's stand-in holds."""
        return _stand_in(service, name).state()

    @router.post("/state/{name}")
    async def configure(name: str, settings: dict[str, Any]) -> Any:
        """Change how a service's stand-in behaves; its state afterwards."""
        stand_in = _stand_in(service, name)
        try:
            stand_in.configure(settings)
        except ValueError as error:
            raise HTTPException(422, f"{name}: {error}") from error
        return stand_in.state()

    @router.get("/requests")
    async def requests(limit: Limit = 1_000) -> list[dict[str, Any]]:
        """The newest requests to the services, secrets blotted out, and how they were answered."""
        secret = service.secret_headers
        return [
            {**asdict(entry), "headers": _redacted(entry.headers, secret), "body": _text(entry.body)}
            for entry in list(service.requests)[-limit:]
        ]

    @router.post("/reset")
    async def reset() -> dict[str, bool]:
        """Forget events, requests and faults; tokens stay valid."""
        service.reset()
        return {"reset": True}

    @router.post("/tokens/revoke")
    async def revoke(revocation: Revocation | None = None) -> dict[str, int]:
        chosen = revocation or Revocation()
        revoked = (
            office.revoke(identity=chosen.install_id, token=chosen.token) for office in service.offices
        )
        return {"revoked": sum(revoked)}

    @router.post("/tokens/life")
    async def token_life(life: TokenLife) -> dict[str, float]:
        """For tokens minted from now on."""
        for office in service.offices:
            office.life_s = life.life_s
        return {"life_s": life.life_s}

    @router.get("/script")
    async def script() -> dict[str, Any]:
        """The faults that are set, and how often each matched and struck."""
        return {
            "seed": service.faults.script.seed,
            "faults": [
                {**tally.fault.model_dump(mode="json"), "matched": tally.matched, "struck": tally.struck}
                for tally in service.faults.tallies
            ],
        }

    @router.post("/script")
    async def set_script(script: Script) -> dict[str, int]:
        """Replace the faults; an empty script ends them all."""
        service.faults.load(script)
        return {"faults": len(script.faults)}

    return router


def _stand_in(service: Service, name: str) -> StandIn:
    if name not in service.stand_ins:
        raise HTTPException(404, f"no service {name!r} here; there are {', '.join(service.stand_ins)}")
    return service.stand_ins[name]


def _counts(tree: dict[str, dict[str, Counts]]) -> dict[str, dict[str, dict[str, int]]]:
    return {
        service: {name: asdict(counts) for name, counts in each.items()} for service, each in tree.items()
    }


def _shown(number: int, event: GoodEvent) -> dict[str, Any]:
    return {"number": number, **asdict(event), "body": json.loads(event.body)}


def _text(body: bytes) -> str:
    return body.decode("utf-8", "backslashreplace")


def _redacted(headers: Headers, secret: frozenset[str]) -> dict[str, str]:
    shown: dict[str, str] = {}
    for name, value in ((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers):
        shown[name] = _blotted(value) if name in secret else value
    return shown


def _blotted(value: str) -> str:
    scheme = next((scheme for scheme in SCHEMES if value.startswith(scheme)), "")
    return f"{scheme}<secret {fingerprint(value.removeprefix(scheme))}>"
