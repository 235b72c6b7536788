"""Declarations that contradict themselves are refused where they are made."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import BaseModel

from swarm_analytics_models.authentication import ApiKeyAuthentication, NoAuthentication
from swarm_analytics_models.calling import Streaming
from swarm_analytics_models.categories import CATEGORY_POLICIES, Category, Priority
from swarm_analytics_models.contract import InvalidContract, Route, ServiceContract, ordering_value
from swarm_analytics_models.handling import Acknowledgement, Lane, OrderingKey
from swarm_analytics_models.headers import DAEMON_ALONE
from swarm_analytics_models.idempotency import KeyInBody, KeyInHeader, NaturallyIdempotent, NotIdempotent
from swarm_analytics_models.services import contracts
from swarm_analytics_models.services.openswarm.contract import OPENSWARM


class Body(BaseModel):
    submission_id: str
    agent: dict[str, Any]


ROUTE = Route(
    key="events.toy",
    path="/toys",
    request=Body,
    lane=Lane.DELIVER,
    category=Category.PRODUCT,
    authentication=NoAuthentication(),
    idempotency=KeyInBody("submission_id"),
    acknowledgement=Acknowledgement.ANY_API_ANSWER,
    ordering=OrderingKey(group="agent", field="agent.id"),
)
CALL: dict[str, Any] = {"lane": Lane.CALL, "ordering": None, "idempotency": NaturallyIdempotent()}
PIECES = Streaming(format="sse", event=Body, field="agent.stream", media_type="text/event-stream")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"key": "toy"}, "must be dotted"),
        ({"key": "events.Toy"}, "must be dotted"),
        ({"path": "toys"}, "must be absolute"),
        ({"path": "/toys?x=1"}, "must be absolute"),
        ({"path": "//evil.example/x"}, "must be absolute"),
        ({"path": "/toys/{id"}, "must be absolute"),
        ({"path": "/toys/x{id}"}, "must be absolute"),
        ({"path": "/toys/{absent}"}, "has no field 'absent'"),
        ({"query": ("absent",)}, "has no field 'absent'"),
        ({"body_field": "absent"}, "has no field 'absent'"),
        ({"example": {}}, "an example needs a response model"),
        ({"idempotency": NotIdempotent("report")}, "nobody waits for an event's answer"),
        ({"cache_s": 1.0}, "only a call has an answer"),
        ({"lane": Lane.CALL}, "only events are batched or ordered"),
        (
            {"lane": Lane.CALL, "ordering": None, "idempotency": NotIdempotent("resend")},
            "is reported to its caller",
        ),
        (CALL | {"idempotency": NotIdempotent("report"), "cache_s": 1.0}, "may be given again"),
        (CALL | {"streaming": PIECES, "redacted": frozenset({"x"})}, "nothing in it can be redacted"),
        ({"category": "gossip"}, "has no consent decision"),
        ({"category": Category.CONSENT}, "opt_out_field"),
        ({"opt_out_field": "agent"}, "opt_out_field"),
        ({"idempotency": KeyInBody("absent")}, "has no field 'absent'"),
        ({"acknowledgement": Acknowledgement.JSON_OBJECT}, "needs a response model"),
    ],
)
def test_a_route_that_contradicts_itself_cannot_be_declared(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidContract, match=reason):
        replace(ROUTE, **change)


def test_a_service_refuses_doubled_keys_and_foreign_registration() -> None:
    with pytest.raises(InvalidContract, match=r"declared twice: events\.toy"):
        ServiceContract(name="toys", title="Toys", routes=(ROUTE, ROUTE))
    with pytest.raises(InvalidContract, match="must be a route with an answer"):
        ServiceContract(name="toys", title="Toys", routes=OPENSWARM.routes[:1])
    with pytest.raises(InvalidContract, match="lower-case identifier"):
        ServiceContract(name="../toys", title="Toys", routes=(ROUTE,))


def test_the_ordering_key_is_read_from_the_body_by_path() -> None:
    assert ordering_value(ROUTE, {"agent": {"id": "a1"}}) == "agent:a1"
    assert ordering_value(ROUTE, {"agent": {}}) is None
    assert ordering_value(replace(ROUTE, ordering=None), {"agent": {"id": "a1"}}) is None
    assert ordering_value(replace(ROUTE, ordering=OrderingKey("all", None)), {}) == "all"


def test_every_category_has_a_decision_and_consent_is_never_given_up() -> None:
    assert set(CATEGORY_POLICIES) == set(Category)
    assert {category for category, policy in CATEGORY_POLICIES.items() if policy.muted} == {Category.PRODUCT}
    assert not CATEGORY_POLICIES[Category.CONSENT].evictable
    assert not CATEGORY_POLICIES[Category.IDENTITY].evictable
    assert min(Priority) is CATEGORY_POLICIES[Category.CONSENT].priority


@pytest.mark.parametrize("header", [*sorted(DAEMON_ALONE), "Host", "X-A\r\nX-B", "X A", "", "Ключ"])
def test_no_route_names_a_header_that_is_the_daemons_or_none(header: str) -> None:
    with pytest.raises(InvalidContract, match="header"):
        replace(ROUTE, idempotency=KeyInHeader((header,)))
    with pytest.raises(InvalidContract, match="header"):
        replace(ROUTE, authentication=ApiKeyAuthentication(header, prefix=""))


def test_a_key_takes_no_credentials_place() -> None:
    api_key = ApiKeyAuthentication("X-Api-Key", prefix="")
    replace(ROUTE, authentication=api_key, idempotency=KeyInHeader(("Idempotency-Key",)))
    replace(ROUTE, authentication=ApiKeyAuthentication("Authorization", prefix="Bearer "))
    for header in ("x-api-key", "Authorization"):
        with pytest.raises(InvalidContract, match="header"):
            replace(ROUTE, authentication=api_key, idempotency=KeyInHeader((header,)))


def test_openswarm_has_its_eleven_routes() -> None:
    assert {(route.key, route.path) for route in contracts()["openswarm"].routes} == {
        ("events.app_lifecycle.opened", "/public/events/app_lifecycle/opened"),
        ("events.app_lifecycle.closed", "/public/events/app_lifecycle/closed"),
        ("events.agent.create", "/public/events/agent/create"),
        ("events.agent.title", "/public/events/agent/title"),
        ("events.agent.message", "/public/events/agent/message"),
        ("events.dashboard.event", "/public/events/dashboard/event"),
        ("events.onboarding.step", "/public/events/onboarding/step"),
        ("identify.link_email", "/public/identify/link_email_to_install"),
        ("identify.register", "/public/identify/create_install_token"),
        ("logs.write", "/public/logs"),
        ("preferences.opt_out", "/public/preferences/opt_out"),
    }


def test_one_agents_events_share_an_order_and_so_do_identity_and_consent() -> None:
    routes = OPENSWARM.by_key
    agent = {
        ordering_value(routes["events.agent.create"], {"id": "a"}),
        ordering_value(routes["events.agent.title"], {"id": "a"}),
        ordering_value(routes["events.agent.message"], {"agent_id": "a"}),
    }
    person = {
        ordering_value(routes["identify.link_email"], {"email": "a@b"}),
        ordering_value(routes["preferences.opt_out"], {"opted_out": True}),
    }
    assert len(agent) == len(person) == 1
    assert None not in agent | person
