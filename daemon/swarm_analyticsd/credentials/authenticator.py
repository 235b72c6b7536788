"""Who a destination's requests come from: one authenticator for all that is sent there, events and calls.

proof = await authenticator.prove(route, request, arguments)
# Unproven: do not send. Proof: send with its headers, then one of
authenticator.accepted(proof)
again = authenticator.refused(proof, status, error)   # True: worth one more try, with a new proof
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final, assert_never

from pydantic import SecretStr

from swarm_analytics_models.authentication import (
    ApiKeyAuthentication,
    InstallTokenAuthentication,
    NoAuthentication,
    ResourceKeyAuthentication,
    Scheme,
    SessionAuthentication,
    SignatureAuthentication,
    scheme_for,
)
from swarm_analytics_models.contract import Route, ServiceContract
from swarm_analytics_models.handling import Verdict
from swarm_analytics_models.identifiers import Destination, fingerprint, parse_base_url
from swarm_analyticsd import policy
from swarm_analyticsd.clock import Clock
from swarm_analyticsd.credentials.credential import Credential, Held, absent
from swarm_analyticsd.credentials.proof import Mint, Proof, Unproven, Why
from swarm_analyticsd.credentials.schemes import bearer, secret_header, sessions_of
from swarm_analyticsd.credentials.secret import AuthenticationHeader, UnusableSecret, session_of
from swarm_analyticsd.credentials.signature import Signable, Stamp, signature_headers
from swarm_analyticsd.credentials.tokens import Token, Tokens

_NO_ARGUMENTS: Final[Mapping[str, Any]] = MappingProxyType({})
_UNAUTHORIZED: Final = 401
_NOTHING_TO_PROVE: Final = Proof((), -1, frozenset())


class Authenticator:
    """Proves requests to one destination. To be used on one event loop."""

    def __init__(
        self,
        *,
        destination: Callable[[], Destination],
        credential: Credential,
        tokens: Tokens,
        mint: Mint,
        contract: ServiceContract,
        clock: Clock,
        nonce: Callable[[], str],
        signature_wanted: Callable[[], None] = lambda: None,
    ) -> None:
        """`nonce`: unguessable text, new at each call. `signature_wanted`: told that no session can be
        opened, or soon none, without a fresh signed user id.
        """
        self._destination = destination
        self._credential = credential
        self._tokens = tokens
        self._mint = mint
        self._clock = clock
        self._nonce = nonce
        self._signature_wanted = signature_wanted
        self._ask_again_at = 0.0
        self._session_scheme = sessions_of(contract)

    async def prove(
        self,
        route: Route,
        request: Signable,
        arguments: Mapping[str, Any] = _NO_ARGUMENTS,
        *,
        signature: str | None = None,
    ) -> Proof | Unproven:
        """The headers that authenticate this attempt of `request`; to be asked for anew before each attempt.

        `arguments`, by wire name, say which resource's key is wanted, where the route takes one. `signature`
        names one of the contract's signature schemes; None: the first. Mints, waits for a mint that is under
        way, or reads a key's file, where that is needed: limited by the mint route's time-outs.
        """
        destination = self._destination()
        scheme = scheme_for(route.authentication, destination.kind)
        if scheme is None:
            return Unproven(Why.ABSENT, f"{route.key} takes no credential of kind {destination.kind}")
        if isinstance(scheme, NoAuthentication):
            return _NOTHING_TO_PROVE
        refusals = _refusals(route, scheme)
        held = await self._credential.held()
        if held is None:
            return self._lacking()
        try:
            match scheme:
                case InstallTokenAuthentication() | ApiKeyAuthentication():
                    return Proof((secret_header(scheme, held.secret),), held.generation, refusals)
                case SignatureAuthentication():
                    headers = self._signed(scheme, signature, request, destination, held.secret)
                    return Proof(headers, held.generation, refusals)
                case SessionAuthentication():
                    return await self._session(scheme, held, refusals)
                case ResourceKeyAuthentication():
                    return await self._resource_key(scheme, held, refusals, arguments)
                case _:
                    assert_never(scheme)
        except UnusableSecret as error:
            return self._unusable(held, str(error))
        except ValueError as error:
            return Unproven(Why.REJECTED, f"the request cannot be signed: {error}")

    def accepted(self, proof: Proof) -> None:
        """The service took a request with this proof: its secret works."""
        if proof.token is None:
            self._credential.proven(proof.generation)

    def refused(self, proof: Proof, status: int, error: str) -> bool:
        """The service answered a request with this proof in `status` (as it means it).

        True: a new token may do better, so send the request once more with a new proof (once in all). Else,
        where the status refuses the destination's own secret, that is held for all that is sent there.
        """
        if status not in proof.refusals:
            return False
        if proof.token is not None:
            self._tokens.forget(*proof.token)
            return True
        self._credential.refused(proof.generation, error, status)
        return False

    async def forget(self, resource: str) -> None:
        """Somebody wants the resource's key to be minted anew: the next request that needs it does so."""
        await self._tokens.drop(resource)

    def hold(self, generation: int, error: str, status: int | None = None) -> None:
        """Nothing is to be sent with the destination's secret of `generation` until there is another."""
        self._credential.refused(generation, error, status)

    @property
    def wants_signature(self) -> bool:
        """Nothing but a fresh signed user id can free what is held."""
        aside = self._credential.aside
        return (
            self._session_scheme is not None
            and aside is not None
            and self._is_stale(self._session_scheme, aside)
        )

    async def forget_all(self) -> None:
        """Use and keep no secret of the destination any more. Raises KeptElsewhere, VaultError."""
        try:
            await self._credential.forget()
        finally:
            await self._tokens.clear()

    async def aclose(self) -> None:
        """End the mints that are under way."""
        await self._tokens.aclose()

    def _signed(
        self,
        scheme: SignatureAuthentication,
        named: str | None,
        request: Signable,
        destination: Destination,
        secret: SecretStr,
    ) -> tuple[AuthenticationHeader, ...]:
        schemes = dict(scheme.schemes)
        name = scheme.schemes[0][0] if named is None else named
        if name not in schemes:
            raise ValueError(f"{name!r} is no signature scheme; there are {', '.join(schemes)}")
        return signature_headers(
            scheme,
            schemes[name],
            request,
            prefix=parse_base_url(destination.base_url).prefix,
            identity=destination.identity,
            secret=secret,
            stamp=Stamp(int(self._clock.now()), self._nonce()),
        )

    async def _session(
        self, scheme: SessionAuthentication, held: Held, refusals: frozenset[int]
    ) -> Proof | Unproven:
        by = fingerprint(session_of(held.secret).key)  # a fresh signature of the same user changes nothing
        await self._tokens.load()
        token = self._tokens.alive("", by, margin_s=scheme.renew_before_s)
        if token is not None:
            return _by_token("", token, held, refusals)
        if self._is_stale(scheme, held.secret):
            self._ask_for_signature()
            last = self._tokens.alive("", by)
            return _by_token("", last, held, refusals) if last is not None else self._stale(scheme, held)
        return await self._minted(scheme, "", by, held, refusals)

    async def _resource_key(
        self,
        scheme: ResourceKeyAuthentication,
        held: Held,
        refusals: frozenset[int],
        arguments: Mapping[str, Any],
    ) -> Proof | Unproven:
        resource = arguments.get(scheme.resource_field)
        if not isinstance(resource, str | int) or resource == "":
            return Unproven(Why.REJECTED, f"the request does not name its {scheme.resource_field}")
        by = fingerprint(held.secret.get_secret_value())
        await self._tokens.load()
        token = self._tokens.alive(str(resource), by, margin_s=scheme.renew_before_s)
        if token is not None:
            return _by_token(str(resource), token, held, refusals)
        return await self._minted(scheme, str(resource), by, held, refusals)

    async def _minted(
        self,
        scheme: SessionAuthentication | ResourceKeyAuthentication,
        resource: str,
        by: str,
        held: Held,
        refusals: frozenset[int],
    ) -> Proof | Unproven:
        """A new token; while there is none, one that still lives a little."""
        result = await self._tokens.mint(resource, by, lambda: self._mint(scheme, resource, held.secret))
        if isinstance(result, Token):
            return _by_token(resource, result, held, refusals)
        last = self._tokens.alive(resource, by)
        if last is not None:
            return _by_token(resource, last, held, refusals)
        if result.why is Why.REFUSED:
            self._credential.refused(held.generation, result.error, result.status)
        return replace(result, generation=held.generation)

    def _ask_for_signature(self) -> None:
        now = self._clock.monotonic()
        if now >= self._ask_again_at:
            self._ask_again_at = now + policy.SIGNATURE_ASKED_EVERY_S
            self._signature_wanted()

    def _is_stale(self, scheme: SessionAuthentication, secret: SecretStr) -> bool:
        signed_at = session_of(secret).user_id_ts
        return signed_at is not None and self._clock.now() - signed_at >= scheme.proof_life_s

    def _stale(self, scheme: SessionAuthentication, held: Held) -> Unproven:
        error = (
            f"the signed user id is older than {scheme.proof_life_s:g} s, and no session can be opened with "
            "it; an app that has this user is asked for a fresh one"
        )
        return self._unusable(held, error)

    def _unusable(self, held: Held, error: str) -> Unproven:
        self._credential.refused(held.generation, error)
        return Unproven(Why.REFUSED, error, generation=held.generation)

    def _lacking(self) -> Unproven:
        credential = self._credential
        generation, refusal = credential.generation, credential.refusal
        if refusal is not None:
            return Unproven(Why.REFUSED, refusal.error, refusal.status, generation=generation)
        error = credential.error or absent(self._destination().kind)
        return Unproven(Why.ABSENT, error, generation=generation)


def _by_token(resource: str, token: Token, held: Held, refusals: frozenset[int]) -> Proof:
    return Proof((bearer(token.secret),), held.generation, refusals, (resource, token.number))


def _refusals(route: Route, scheme: Scheme) -> frozenset[int]:
    """401 and whatever the contract names, unless it gives 401 another meaning."""
    named = {status for status, verdict in route.verdicts.items() if verdict is Verdict.CREDENTIAL}
    usual = {_UNAUTHORIZED} - route.verdicts.keys()
    own = scheme.refused if isinstance(scheme, ResourceKeyAuthentication) else frozenset()
    return frozenset(named | usual | own)
