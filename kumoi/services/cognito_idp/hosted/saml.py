"""SAML providers: what they are asked, and what of their answers counts.

An answer counts if the provider signed it, for this pool, in answer to this request; one that nobody asked for never.
Sources: SAML 2.0 "Profiles" (4.1, Web Browser SSO); "SAML user pool IdP authentication flow" of the developer guide.
"""

from __future__ import annotations

import asyncio

from kumoi.doorway import Call
from kumoi.http_api.endpoints import send
from kumoi.http_client import Unreachable
from kumoi.saml import (
    Assertion,
    InvalidSaml,
    NotInstalled,
    SignOn,
    check_metadata,
    decoded,
    entity_of,
    read,
    request,
    sign_on,
    signed_part,
)
from kumoi.services.cognito_idp.hosted.requests import OAuthError
from kumoi.services.cognito_idp.records import Departure, Provider, Said

_SECONDS = 10.0
_LEEWAY = 60.0
"""Seconds that a provider's clock may be ahead or behind."""


def entity(pool: str) -> str:
    """Who a pool is to SAML providers, and whom their assertions are for."""
    return f"urn:amazon:cognito:sp:{pool}"


async def asked(call: Call, provider: Provider, departure: Departure) -> tuple[SignOn, bytes]:
    """Where people sign in, and what the provider is asked there; OAuthError."""
    where = sign_on(await _metadata(call, provider))
    if where is None:
        raise OAuthError("invalid_request", f"The metadata of {provider.name} do not say where people sign in")
    return where, request(_id(departure), entity(provider.pool), where.location, departure.back, call.now)


async def proven(call: Call, provider: Provider, departure: Departure, response: str) -> Said:
    """What a provider says in answer to its request; OAuthError where that does not count."""
    document = await _metadata(call, provider)
    try:
        said = await asyncio.to_thread(_signed, response, document)
        return taken(said, departure, entity_of(document), call.now)
    except InvalidSaml as problem:
        raise OAuthError("server_error", f"Invalid SAML response received: {problem}") from None
    except NotInstalled as problem:
        raise OAuthError("server_error", str(problem)) from None


def taken(said: Assertion, departure: Departure, issuer: str, now: float) -> Said:
    """What an assertion says, if it is of this provider (`issuer`), in answer to this request and now; InvalidSaml."""
    if said.issuer != issuer:
        raise InvalidSaml(f"the issuer is {said.issuer}")
    if any(entity(departure.pool) not in one for one in said.audiences):
        raise InvalidSaml("Audience restriction in SAML Assertion does not allow it for " + entity(departure.pool))
    if said.recipient != departure.back:
        raise InvalidSaml(f"the recipient is {said.recipient}")
    if said.request != _id(departure):
        raise InvalidSaml("it is in answer to another request")
    if not said.starts - _LEEWAY <= now < said.expires + _LEEWAY:
        raise InvalidSaml("SAML Assertion is of another time")
    if not said.subject:
        raise InvalidSaml("it names nobody")
    return Said(said.subject, {name: list(values) for name, values in said.attributes.items()}, said.issuer)


def _signed(response: str, metadata: str) -> Assertion:
    return read(signed_part(decoded(response), metadata))


def _id(departure: Departure) -> str:
    return f"_{departure.nonce}"


async def _metadata(call: Call, provider: Provider) -> str:
    """A provider's metadata, as they were given or as they are now at their URL; OAuthError."""
    given = provider.details.get("MetadataFile")
    if given:
        return given
    url = provider.details["MetadataURL"]
    try:
        answer = await send(call, "GET", url, seconds=_SECONDS)
        text = answer.body.decode()
        if answer.status != 200:
            raise ValueError(f"the answer is {answer.status}")
        check_metadata(text)
    except (Unreachable, ValueError) as problem:
        raise OAuthError("server_error", f"The metadata of {provider.name} cannot be read: {problem}") from None
    return text
