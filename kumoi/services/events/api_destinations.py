"""Delivering to API destinations: the rate limit, the connection's token, the request and its answer."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

import msgspec
import orjson

from kumoi.clock import Clock
from kumoi.delivery import DeliveryFailed
from kumoi.doorway import ChargeKey, Charges
from kumoi.doorway.sealing import Sealer
from kumoi.http_client import HttpAnswer, HttpClient, Unreachable
from kumoi.names import Arn
from kumoi.services.events.connection_secrets import unseal
from kumoi.services.events.http_request import (
    HttpRequest,
    authorization,
    check_status,
    destination_request,
    named,
    token_request,
)
from kumoi.services.events.records import ApiDestination, Connection, connections, destinations
from kumoi.state import State, Transaction, transactional

SECONDS = 5.0
"""Real seconds that an endpoint has to answer."""

AUTHORIZE = "events.authorize"
"""The topic of the timer that has a connection's token fetched."""


class Token(NamedTuple):
    """The value of the Authorization header, good until `expires` (epoch seconds)."""

    header: str
    expires: float


class RateLimit:
    """So many starts a second; whoever comes too soon waits (real time)."""

    def __init__(self) -> None:
        self._free_at = 0.0

    async def wait(self, rate: int) -> None:
        """Return when one more may start at `rate` a second, having let a second's worth go at once."""
        now = asyncio.get_running_loop().time()
        self._free_at = max(self._free_at, now - 1.0) + 1.0 / rate
        if self._free_at > now:
            await asyncio.sleep(self._free_at - now)


class ApiDestinations:
    """The endpoints that rules deliver to."""

    def __init__(self, state: State, clock: Clock, http: HttpClient, sealer: Sealer, charges: Charges) -> None:
        self._charges = charges
        self._state = state
        self._clock = clock
        self._http = http
        self._sealer = sealer
        self._tokens: dict[str, Token] = {}
        self._limits: dict[str, RateLimit] = {}

    async def deliver(self, arn: Arn, wanted: dict[str, Any], text: str) -> None:
        """Deliver a text to an API destination, with a target's HttpParameters; raises DeliveryFailed."""
        state = self._state.at(arn.account, arn.region)
        destination, connection = await _find(state, arn)
        if connection.state == "DEAUTHORIZED" or connection.sealed is None:
            raise DeliveryFailed("NO_PERMISSIONS", f"The connection {connection.name} is not authorized.", retry=False)
        await self._limits.setdefault(str(arn), RateLimit()).wait(destination.rate)
        token = await self._token(connection)
        parameters = unseal(self._sealer, connection.id, connection.sealed)
        request = destination_request(destination, parameters, wanted, text, token)
        place = ChargeKey(arn.account, arn.region, "", f"events:{destination.name}", "events", "ApiDestination")
        self._charges.add(place, api_destinations=1)
        answer = await self._send(request)
        if token is not None and answer.status in (401, 407):
            self._tokens.pop(connection.token_id, None)
            token = await self._token(connection)
            answer = await self._send(destination_request(destination, parameters, wanted, text, token))
        check_status(answer.status, request.url)

    async def parameters(self, state: State, arn: Arn) -> dict[str, dict[str, str]]:
        """What a connection adds to a request of an HTTP task: header fields, query, members of the body.

        DeliveryFailed when there is no such connection, or it is not authorized.
        """
        connection = await _connection(state, name_of(arn))
        if connection is None:
            raise DeliveryFailed("NO_RESOURCE", f"There is no connection {arn}.", retry=False)
        if connection.state == "DEAUTHORIZED" or connection.sealed is None:
            raise DeliveryFailed("NO_PERMISSIONS", f"The connection {connection.name} is not authorized.", retry=False)
        given = unseal(self._sealer, connection.id, connection.sealed)
        more = given.get("InvocationHttpParameters", {})
        return {
            "Headers": {
                **named(more.get("HeaderParameters", ())),
                **authorization(given, await self._token(connection)),
            },
            "QueryParameters": named(more.get("QueryStringParameters", ())),
            "BodyParameters": named(more.get("BodyParameters", ())),
        }

    async def authorize(self, state: State, name: str) -> None:
        """Fetch the token of a new OAuth connection, and note on it how that went."""
        connection = await _connection(state, name)
        if connection is None or connection.state != "AUTHORIZING":
            return
        try:
            await self._token(connection)
        except DeliveryFailed as error:
            await _note(state, connection, "DEAUTHORIZED", error.failure.message)
        else:
            await _note(state, connection, "AUTHORIZED", None)

    def forget(self) -> None:
        """Give up tokens and limits."""
        self._tokens.clear()
        self._limits.clear()

    async def _send(self, request: HttpRequest) -> HttpAnswer:
        try:
            return await self._http.send(
                request.method, request.url, request.headers.items(), request.body, seconds=SECONDS
            )
        except Unreachable as error:
            raise DeliveryFailed(
                "TIMEOUT" if error.timeout else "CONNECTION_FAILURE", str(error), retry=True
            ) from error

    async def _token(self, connection: Connection) -> str | None:
        if connection.authorization_type != "OAUTH_CLIENT_CREDENTIALS" or connection.sealed is None:
            return None
        known = self._tokens.get(connection.token_id)
        if known is None or known.expires <= self._clock.now():
            known = self._tokens[connection.token_id] = await self._fetch(connection.id, connection.sealed)
        return known.header

    async def _fetch(self, connection_id: str, sealed: bytes) -> Token:
        request = token_request(unseal(self._sealer, connection_id, sealed))
        answer = await self._send(request)
        check_status(answer.status, request.url)
        try:
            granted = orjson.loads(answer.body)
            lifetime = float(granted.get("expires_in", 3600))
            kind = str(granted.get("token_type", "Bearer")).capitalize()
            return Token(f"{kind} {granted['access_token']}", self._clock.now() + lifetime)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise DeliveryFailed("ERROR_FROM_TARGET", f"{request.url} granted no token.", retry=True) from None


def name_of(arn: Arn) -> str:
    """The name in the ARN of a connection or an API destination (`api-destination/name/id`)."""
    return arn.resource.split("/")[1] if "/" in arn.resource else arn.resource


@transactional
async def _find(tx: Transaction, arn: Arn) -> tuple[ApiDestination, Connection]:
    destination = await destinations.get(tx, name_of(arn))
    if destination is None:
        raise DeliveryFailed("NO_RESOURCE", f"There is no API destination {arn}.", retry=False)
    connection = await connections.get(tx, name_of(Arn.parse(destination.connection)))
    if connection is None:
        raise DeliveryFailed("NO_RESOURCE", f"There is no connection {destination.connection}.", retry=False)
    return destination, connection


@transactional
async def _connection(tx: Transaction, name: str) -> Connection | None:
    return await connections.get(tx, name)


@transactional
async def _note(tx: Transaction, connection: Connection, state: str, reason: str | None) -> None:
    current = await connections.get(tx, connection.name)
    if current is None or current.token_id != connection.token_id or current.state != "AUTHORIZING":
        return
    authorized = tx.now if state == "AUTHORIZED" else current.authorized
    await connections.put(tx, msgspec.structs.replace(current, state=state, reason=reason, authorized=authorized))
