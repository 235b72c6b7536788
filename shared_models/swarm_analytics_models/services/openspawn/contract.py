"""OpenSpawn, declared as its server behaves; where its published SDK and its documentation differ, the server
is followed.

Base URL: the server puts ``/api/v1`` before every route, and a signature covers it.

Idempotency: the SDK sends ``Idempotency-Key``, the server reads ``X-Idempotency-Key``; both are sent, with a
UUID, the only form that the server takes. It repeats a remembered answer only of requests that succeeded, and
only to agents that sign; an API key's requests it executes each time. A transfer of credits debits first and
may fail then with a 500, so a move of money that may have arrived is never sent again.

Signatures: four incompatible schemes are published. The first is the one that the server verifies; of the
others those that cover a body's own bytes cover them as the daemon sends them, compact and in UTF-8.
"""

from typing import Final, Literal

from pydantic import BaseModel

from swarm_analytics_models.authentication import (
    ApiKeyAuthentication,
    Authentication,
    PerIdentity,
    SignatureAuthentication,
    SignatureScheme,
    SignedBody,
    SignedPath,
    SigningKey,
)
from swarm_analytics_models.calling import CallDefaults
from swarm_analytics_models.categories import Category
from swarm_analytics_models.contract import Route, ServiceContract
from swarm_analytics_models.handling import Acknowledgement, Lane, TimeOuts
from swarm_analytics_models.idempotency import Idempotency, KeyInHeader, NaturallyIdempotent, NotIdempotent
from swarm_analytics_models.identifiers import IdentityKind
from swarm_analytics_models.services.openspawn import payloads
from swarm_analytics_models.services.openspawn.problems import read_error

SIGNATURE: Final = SignatureAuthentication(
    id_header="X-Agent-Id",
    time_header="X-Timestamp",
    nonce_header="X-Nonce",
    signature_header="X-Signature",
    schemes=(
        (
            "server",
            SignatureScheme(
                path=SignedPath.FULL,
                query=False,
                body=SignedBody.ECMASCRIPT,
                empty_body="{}",
                key=SigningKey.HEX,
            ),
        ),
        (
            "python_sdk",
            SignatureScheme(
                path=SignedPath.ROUTE,
                query=False,
                body=SignedBody.WIRE,
                empty_body="",
                key=SigningKey.HEX,
            ),
        ),
        (
            "typescript_sdk",
            SignatureScheme(
                path=SignedPath.ROUTE,
                query=True,
                body=SignedBody.ECMASCRIPT,
                empty_body="",
                key=SigningKey.TEXT,
            ),
        ),
        (
            "documentation",
            SignatureScheme(
                path=SignedPath.FULL,
                query=True,
                body=SignedBody.WIRE,
                empty_body="",
                key=SigningKey.TEXT,
            ),
        ),
    ),
)
AUTHENTICATION: Final[Authentication] = PerIdentity(
    schemes=(
        (IdentityKind.KEY, ApiKeyAuthentication(header="Authorization", prefix="Bearer ")),
        (IdentityKind.AGENT, SIGNATURE),
    )
)
KEY_HEADERS: Final = ("Idempotency-Key", "X-Idempotency-Key")
READ: Final[Idempotency] = NaturallyIdempotent()
KEYED: Final[Idempotency] = KeyInHeader(KEY_HEADERS, honoured_for=frozenset({IdentityKind.AGENT}))
MONEY: Final[Idempotency] = NotIdempotent("report", headers=KEY_HEADERS)
LEAKED: Final = frozenset({"hmacSecretEnc"})
"""The server puts agents' encrypted secrets into hierarchies and into the history of credits."""

TIME_OUTS: Final = TimeOuts(connect_s=5.0, read_s=30.0, total_s=30.0)
"""In all what the SDK waits."""

CALLS: Final = CallDefaults(
    max_retries=3,
    retry_delay_s=1.0,
    retry_most_s=32.0,
    max_in_flight=100,
    breaker_threshold=5,
    breaker_time_out_s=30.0,
    pool_size=20,
    keep_alive_s=5.0,
)
"""Retries are the SDK's, connections those of the HTTP library under it. It has no breaker: five failures are
one call with all its retries and the next one's first; half a minute is the longest pause between retries.
"""


def _read(key: str, path: str, request: type[BaseModel], response: type[BaseModel]) -> Route:
    return _call(key, path, request, response, READ, method="GET")


def _write(
    key: str, path: str, request: type[BaseModel], response: type[BaseModel], idempotency: Idempotency = KEYED
) -> Route:
    return _call(key, path, request, response, idempotency, method="POST")


def _call(
    key: str,
    path: str,
    request: type[BaseModel],
    response: type[BaseModel],
    idempotency: Idempotency,
    *,
    method: Literal["GET", "POST"],
) -> Route:
    return Route(
        key=key,
        path=path,
        method=method,
        request=request,
        response=response,
        lane=Lane.CALL,
        category=Category.REQUEST,
        authentication=AUTHENTICATION,
        idempotency=idempotency,
        acknowledgement=Acknowledgement.JSON_OBJECT,
        ordering=None,
        redacted=LEAKED,
        time_outs=TIME_OUTS,
    )


OPENSPAWN: Final = ServiceContract(
    name="openspawn",
    title="OpenSpawn",
    base_path="/api/v1",
    calls=CALLS,
    read_error=read_error,
    routes=(
        _read("agents.list", "/agents", payloads.ListAgents, payloads.AgentsAnswer),
        _read("agents.get", "/agents/{id}", payloads.GetAgent, payloads.AgentAnswer),
        _write("agents.create", "/agents/register", payloads.RegisterAgent, payloads.CreateAgentResponse),
        _write("agents.spawn", "/agents/spawn", payloads.SpawnAgent, payloads.SpawnAgentResponse),
        _read(
            "agents.get_hierarchy", "/agents/{id}/hierarchy", payloads.GetHierarchy, payloads.HierarchyAnswer
        ),
        _read(
            "agents.get_balance",
            "/agents/{id}/credits/balance",
            payloads.GetAgentBalance,
            payloads.BalanceAnswer,
        ),
        _write("tasks.create", "/tasks", payloads.CreateTaskRequest, payloads.TaskAnswer),
        _read("tasks.list", "/tasks", payloads.ListTasks, payloads.TasksAnswer),
        _read("tasks.get", "/tasks/{id}", payloads.GetTask, payloads.TaskAnswer),
        _write("tasks.transition", "/tasks/{id}/transition", payloads.TransitionTask, payloads.TaskAnswer),
        _write("tasks.assign", "/tasks/{id}/assign", payloads.AssignTask, payloads.TaskAnswer),
        _write("tasks.approve", "/tasks/{id}/approve", payloads.ApproveTask, payloads.TaskAnswer),
        _read("credits.balance", "/credits/balance", payloads.GetBalance, payloads.BalanceAnswer),
        _write(
            "credits.transfer",
            "/agents/credits/transfer",
            payloads.TransferCreditsRequest,
            payloads.TransferAnswer,
            MONEY,
        ),
        _read("credits.history", "/credits/history", payloads.ListCredits, payloads.CreditsAnswer),
        _write("credits.spend", "/credits/spend", payloads.SpendCredits, payloads.TransactionAnswer, MONEY),
        _write("messages.send", "/messages", payloads.SendMessage, payloads.MessageAnswer),
        _read("messages.list", "/messages", payloads.ListMessages, payloads.MessagesAnswer),
        _read("messages.get_thread", "/messages/{id}/thread", payloads.GetThread, payloads.MessagesAnswer),
        _read("events.list", "/events", payloads.ListEvents, payloads.EventsAnswer),
        _read("events.get", "/events/{id}", payloads.GetEvent, payloads.EventAnswer),
    ),
)
