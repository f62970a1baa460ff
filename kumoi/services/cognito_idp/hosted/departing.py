"""The way to an identity provider: which one, and what is kept of a browser that goes there.

It comes back once, within five minutes, with the state that it was given, and with the cookie of the browser that was
given it. Source: "The redirect and authorization endpoint" of the developer guide.
"""

from __future__ import annotations

import hmac
import secrets
from urllib.parse import urlencode

import msgspec

from kumoi.saml import redirected, sent
from kumoi.saml.metadata import POST
from kumoi.services.cognito_idp.hosted import forms, oidc, page, saml
from kumoi.services.cognito_idp.hosted.answers import digest
from kumoi.services.cognito_idp.hosted.page import Link
from kumoi.services.cognito_idp.hosted.requests import OAuthError, Visit, own, redirect, with_query
from kumoi.services.cognito_idp.hosted.wishes import BackToClient, Wish
from kumoi.services.cognito_idp.identity_providers import LOCAL, stands_in, supported
from kumoi.services.cognito_idp.lookup import provider_of, providers_of
from kumoi.services.cognito_idp.records import Departure, Domain, Provider, Said, departures
from kumoi.state import State, Transaction, transactional
from kumoi.wire.http import Response

RETURN, ACS = "/oauth2/idpresponse", "/saml2/idpresponse"
STAND_IN = "/standIn"
_SECONDS = 300.0
_LOST = "The sign-in has taken too long, or it was begun in another browser: begin again."


async def offered(wanted: Wish) -> list[Provider]:
    """The identity providers that a client offers."""
    names = supported(wanted.client)
    return [one for one in await providers_of(wanted.scene.state, wanted.scene.pool.id) if one.name in names]


async def ways(visit: Visit, wanted: Wish) -> list[Link]:
    """The ways to the identity providers that the client offers."""
    query = visit.request.query
    return [
        Link(f"Continue with {one.name}", f"oauth2/authorize?{query}&{urlencode({'identity_provider': one.name})}")
        for one in await offered(wanted)
    ]


async def chosen(visit: Visit, wanted: Wish) -> Provider | None:
    """The provider that a client asks for, by name or identifier; None for the pool itself. BackToClient."""
    name, identifier = visit.query.get("identity_provider"), visit.query.get("idp_identifier")
    if name == LOCAL or (not name and not identifier):
        return None
    for provider in await offered(wanted):
        if provider.name == name or (not name and identifier in provider.identifiers):
            return provider
    raise failed(wanted, OAuthError("invalid_request", f"The client has no identity provider {name or identifier}"))


async def only_one(wanted: Wish) -> Provider | None:
    """The provider of a client that offers nothing else, not even the pool itself."""
    found = await offered(wanted)
    return found[0] if len(found) == 1 and LOCAL not in supported(wanted.client) else None


async def depart(visit: Visit, wanted: Wish, provider: Provider) -> Response:
    """Send the browser to a provider, or to the page that stands in for it; BackToClient."""
    call, scene = visit.call, wanted.scene
    browser, cookie = forms.known_browser(visit)
    state = secrets.token_urlsafe(32)
    departure = Departure(
        pool=scene.pool.id,
        digest=digest(state),
        provider=provider.name,
        browser=digest(browser),
        query=visit.request.query,
        back=own(visit, ACS if provider.kind == "SAML" else RETURN),
        expires=call.now + _SECONDS,
        nonce=secrets.token_urlsafe(16),
        stands_in=stands_in(scene.pool, provider.kind, guarded=call.doorway.identity.verifies),
    )
    try:
        response = await _sent(visit, provider, departure, state)
    except OAuthError as error:
        raise failed(wanted, error) from None
    await _begin(scene.state, departure)
    response.headers.append(cookie)
    return response


async def _sent(visit: Visit, provider: Provider, departure: Departure, state: str) -> Response:
    """What takes the browser to where people sign in; OAuthError."""
    if departure.stands_in:
        return redirect(with_query(own(visit, STAND_IN), state=state))
    if provider.kind != "SAML":
        return redirect(await oidc.way(visit.call, provider, departure, state, visit.query))
    where, request = await saml.asked(visit.call, provider, departure)
    if where.binding == POST:
        hidden = {"SAMLRequest": sent(request), "RelayState": state}
        return page.html(page.onward(provider.name, where.location, hidden))
    return redirect(with_query(where.location, SAMLRequest=redirected(request), RelayState=state))


async def under_way(visit: Visit, domain: Domain, state: str, *, ends: bool) -> tuple[Departure, Provider]:
    """What is kept of this browser's departure, which `ends` with this or goes on; OAuthError."""
    return await _whose(visit, domain, state, digest(forms.token_of(visit)), ends=ends)


async def without_browser(visit: Visit, domain: Domain, state: str) -> tuple[Departure, Provider]:
    """The same for a form of another site, which comes without the browser's cookies; it goes on. OAuthError."""
    return await _whose(visit, domain, state, None, ends=False)


async def keep(visit: Visit, domain: Domain, departure: Departure, said: Said | None) -> None:
    """Keep what a provider said until the browser follows; nothing more is taken for a departure without."""
    await _said(_place(visit, domain), departure, said)


async def _whose(
    visit: Visit, domain: Domain, state: str, browser: str | None, *, ends: bool
) -> tuple[Departure, Provider]:
    place = _place(visit, domain)
    departure = await _taken(place, domain.pool, digest(state), browser, ends=ends)
    provider = None if departure is None else await provider_of(place, domain.pool, departure.provider)
    if departure is None or provider is None:
        raise OAuthError("invalid_request", _LOST)
    return departure, provider


def _place(visit: Visit, domain: Domain) -> State:
    return visit.call.doorway.state.at(domain.account, domain.region)


def failed(wanted: Wish, error: OAuthError) -> BackToClient:
    """What has the client told of an error."""
    told = {"error": error.code, "error_description": error.description or None}
    return BackToClient(with_query(wanted.redirect, **told, state=wanted.state))


@transactional
async def _begin(tx: Transaction, departure: Departure) -> None:
    for old in await departures.list(tx, departure.pool, limit=100):
        if old.expires <= tx.now:
            await departures.delete(tx, old.pool, old.digest)
    await departures.put(tx, departure)


@transactional
async def _taken(tx: Transaction, pool: str, key: str, browser: str | None, *, ends: bool) -> Departure | None:
    """A departure that is still good, for the browser that it is of."""
    found = await departures.get(tx, pool, key)
    if found is None or (browser is not None and not hmac.compare_digest(found.browser, browser)):
        return None
    if ends or found.expires <= tx.now:
        await departures.delete(tx, pool, key)
    return found if found.expires > tx.now else None


@transactional
async def _said(tx: Transaction, departure: Departure, said: Said | None) -> None:
    """Write down what was said in answer to a departure, once; OAuthError."""
    current = await departures.get(tx, departure.pool, departure.digest)
    if current is None or current.said is not None:
        raise OAuthError("invalid_request", _LOST)
    if said is None:
        await departures.delete(tx, departure.pool, departure.digest)
    else:
        await departures.put(tx, msgspec.structs.replace(current, said=said))
