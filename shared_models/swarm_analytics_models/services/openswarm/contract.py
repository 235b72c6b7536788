"""OpenSwarm product analytics, declared.

What the service answers on success is not documented beyond "2xx", so any 2xx that is plainly an API's
answer counts. It deduplicates on (install, submission_id); its two upserts need no key. It has no batch
endpoint. Identity and consent share an ordering key: an opt-out never overtakes, nor is overtaken by, the
link between an e-mail address and the install.
"""

from typing import Final

from swarm_analytics_models.authentication import InstallTokenAuthentication, NoAuthentication
from swarm_analytics_models.categories import Category
from swarm_analytics_models.contract import Route, ServiceContract
from swarm_analytics_models.handling import Acknowledgement, Lane, OrderingKey
from swarm_analytics_models.idempotency import Idempotency, KeyInBody, NaturallyIdempotent
from swarm_analytics_models.services.openswarm import payloads

INSTALL_TOKEN: Final = InstallTokenAuthentication(
    register_route="identify.register",
    install_field="install_id",
    token_field="token",  # noqa: S106 - a field name
)
SUBMISSION_ID: Final[Idempotency] = KeyInBody("submission_id")
UPSERT: Final[Idempotency] = NaturallyIdempotent()
BY_AGENT_ID: Final = OrderingKey(group="agent", field="id")
BY_AGENT_REFERENCE: Final = OrderingKey(group="agent", field="agent_id")
BY_DASHBOARD: Final = OrderingKey(group="dashboard", field="dashboard_id")
BY_PERSON: Final = OrderingKey(group="person", field=None)


def _event(
    key: str,
    path: str,
    request: type[payloads.EventMeta],
    category: Category,
    ordering: OrderingKey | None,
) -> Route:
    return Route(
        key=key,
        path=path,
        request=request,
        lane=Lane.DELIVER,
        category=category,
        authentication=INSTALL_TOKEN,
        idempotency=SUBMISSION_ID,
        acknowledgement=Acknowledgement.ANY_API_ANSWER,
        ordering=ordering,
    )


OPENSWARM: Final = ServiceContract(
    name="openswarm",
    title="OpenSwarm product analytics",
    routes=(
        _event(
            "events.app_lifecycle.opened",
            "/public/events/app_lifecycle/opened",
            payloads.AppOpened,
            Category.PRODUCT,
            None,
        ),
        _event(
            "events.app_lifecycle.closed",
            "/public/events/app_lifecycle/closed",
            payloads.AppClosed,
            Category.PRODUCT,
            None,
        ),
        _event(
            "events.agent.create",
            "/public/events/agent/create",
            payloads.AgentCreated,
            Category.PRODUCT,
            BY_AGENT_ID,
        ),
        _event(
            "events.agent.title",
            "/public/events/agent/title",
            payloads.AgentTitled,
            Category.PRODUCT,
            BY_AGENT_ID,
        ),
        _event(
            "events.agent.message",
            "/public/events/agent/message",
            payloads.AgentMessageEvent,
            Category.PRODUCT,
            BY_AGENT_REFERENCE,
        ),
        _event(
            "events.dashboard.event",
            "/public/events/dashboard/event",
            payloads.DashboardEvent,
            Category.PRODUCT,
            BY_DASHBOARD,
        ),
        _event(
            "events.onboarding.step",
            "/public/events/onboarding/step",
            payloads.OnboardingStep,
            Category.PRODUCT,
            None,
        ),
        _event("logs.write", "/public/logs", payloads.LogWritten, Category.DIAGNOSTIC, None),
        Route(
            key="identify.link_email",
            path="/public/identify/link_email_to_install",
            request=payloads.EmailLinked,
            lane=Lane.DELIVER,
            category=Category.IDENTITY,
            authentication=INSTALL_TOKEN,
            idempotency=UPSERT,
            acknowledgement=Acknowledgement.ANY_API_ANSWER,
            ordering=BY_PERSON,
        ),
        Route(
            key="preferences.opt_out",
            path="/public/preferences/opt_out",
            request=payloads.OptOut,
            lane=Lane.DELIVER,
            category=Category.CONSENT,
            authentication=INSTALL_TOKEN,
            idempotency=UPSERT,
            acknowledgement=Acknowledgement.ANY_API_ANSWER,
            ordering=BY_PERSON,
            opt_out_field="opted_out",
        ),
        Route(
            key="identify.register",
            path="/public/identify/create_install_token",
            request=payloads.InstallRegistered,
            response=payloads.InstallToken,
            lane=Lane.CALL,
            category=Category.BOOTSTRAP,
            authentication=NoAuthentication(),
            idempotency=UPSERT,
            acknowledgement=Acknowledgement.JSON_OBJECT,
            ordering=None,
            internal=True,
        ),
    ),
)
