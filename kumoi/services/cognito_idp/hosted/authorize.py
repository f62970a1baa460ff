"""GET /oauth2/authorize: to an identity provider, to the sign-in page, or straight back for a browser that is known."""

from __future__ import annotations

from kumoi.services.cognito_idp.hosted.answers import send_back, session_of
from kumoi.services.cognito_idp.hosted.departing import chosen, depart, only_one
from kumoi.services.cognito_idp.hosted.requests import Visit, redirect
from kumoi.services.cognito_idp.hosted.wishes import wish
from kumoi.services.cognito_idp.records import Domain
from kumoi.wire.http import Response


async def authorize(visit: Visit, domain: Domain) -> Response:
    """Send the browser on: to where people sign in, or back to the client where its session still holds."""
    wanted = await wish(visit, domain)
    provider = await chosen(visit, wanted)
    if provider is not None:
        return await depart(visit, wanted, provider)
    found = await session_of(visit, wanted.scene)
    if found is not None and visit.query.get("prompt") != "login":
        user, signed_in = found
        return await send_back(visit, wanted, user, signed_in)
    provider = await only_one(wanted)
    if provider is not None:
        return await depart(visit, wanted, provider)
    return redirect(f"../login?{visit.request.query}")
