"""SegOps ingestion, declared.

A batch is taken whole but for the events that the service skips, which it counts and does not name. It keeps
no idempotency key and documents no deduplication: what may have arrived is sent again by default, since a
lost event is worse here than a doubled one; an app may have it set aside instead. Any 2xx that is plainly an
API's answer acknowledges: the shape of the batch's answer is documented for one client only, and an answer
that we failed to recognise would be sent again without end.

A secret key goes with every request. A public key opens a session of 15 minutes for one user, and the service
rewrites the user of all that is sent with it; so a user's events have a destination of their own.
"""

from types import MappingProxyType
from typing import Final

from swarm_analytics_models.authentication import ApiKeyAuthentication, PerIdentity, SessionAuthentication
from swarm_analytics_models.categories import Category
from swarm_analytics_models.contract import Route, ServiceContract
from swarm_analytics_models.handling import Acknowledgement, Batching, Lane, Verdict
from swarm_analytics_models.idempotency import NaturallyIdempotent, NotIdempotent
from swarm_analytics_models.identifiers import IdentityKind
from swarm_analytics_models.services.segops import payloads

API_KEY: Final = ApiKeyAuthentication(header="Authorization", prefix="ApiKey ")
BY_KEY: Final = PerIdentity(
    (
        (IdentityKind.KEY, API_KEY),
        (
            IdentityKind.SESSION,
            SessionAuthentication(
                open_route="session.open",
                token_field="token",  # noqa: S106 - a field name
                expires_field="expires_at",
                renew_before_s=60.0,
                proof_life_s=300.0,
            ),
        ),
    )
)
MAX_BATCH: Final = 500
"""Events; the documented limit of one request."""


def _event(key: str, path: str, batching: Batching | None) -> Route:
    return Route(
        key=key,
        path=path,
        request=payloads.TrackedEvent,
        lane=Lane.DELIVER,
        category=Category.PRODUCT,
        authentication=BY_KEY,
        idempotency=NotIdempotent(when_ambiguous="resend"),
        acknowledgement=Acknowledgement.ANY_API_ANSWER,
        ordering=None,
        batching=batching,
    )


_BATCH_PATH: Final = "/api/ingestion/track/batch/"

SEGOPS: Final = ServiceContract(
    name="segops",
    title="SegOps ingestion",
    default_base_url="https://api.segops.ai",
    routes=(
        _event(
            "events.track",
            _BATCH_PATH,
            Batching(
                path=_BATCH_PATH,
                items_field="events",
                max_items=MAX_BATCH,
                max_bytes=1024 * 1024,
                max_wait_s=5.0,
                always=True,
                skipped_field="skipped",
            ),
        ),
        _event("events.send", "/api/ingestion/track/", None),
        Route(
            key="session.open",
            path="/api/auth/session/",
            request=payloads.SessionOpened,
            response=payloads.SessionToken,
            lane=Lane.CALL,
            category=Category.BOOTSTRAP,
            authentication=API_KEY,
            idempotency=NaturallyIdempotent(),
            acknowledgement=Acknowledgement.JSON_OBJECT,
            ordering=None,
            verdicts=MappingProxyType({403: Verdict.CREDENTIAL}),  # a user unsigned, an origin not allowed
            internal=True,
        ),
    ),
)
