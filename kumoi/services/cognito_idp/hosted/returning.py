"""/oauth2/idpresponse and /saml2/idpresponse: people come back from a provider, and go on to the client signed in.

Forms of other sites come without the browser's cookies: what they say counts once the browser itself follows.
"""

from __future__ import annotations

from kumoi.services.cognito_idp.federation import arrived
from kumoi.services.cognito_idp.hosted import oidc, saml
from kumoi.services.cognito_idp.hosted.answers import send_back, session_cookie
from kumoi.services.cognito_idp.hosted.departing import ACS, RETURN, failed, keep, under_way, without_browser
from kumoi.services.cognito_idp.hosted.requests import OAuthError, Visit, own, redirect, singles, with_query
from kumoi.services.cognito_idp.hosted.wishes import Wish, wish
from kumoi.services.cognito_idp.records import Departure, Domain, Provider, Said
from kumoi.wire.errors import AwsError
from kumoi.wire.http import Response

_FROM_FORM = ("code", "state", "error", "error_description", "user")


async def passed_on(visit: Visit, domain: Domain) -> Response:
    """POST /oauth2/idpresponse: the same as GET."""
    told = {name: visit.form[name] for name in _FROM_FORM if name in visit.form}
    return redirect(with_query(own(visit, RETURN), **told), status=303)


async def returned(visit: Visit, domain: Domain) -> Response:
    """GET /oauth2/idpresponse: exchange the code, and send the browser back to the client."""
    query = visit.query
    departure, provider = await under_way(visit, domain, query.get("state", ""), ends=True)
    if departure.stands_in or provider.kind == "SAML":
        raise OAuthError("invalid_request", "The browser was not sent to where this answer is from")
    wanted = await wish_of(visit, domain, departure)
    try:
        if "error" in query or not query.get("code"):
            raise OAuthError(query.get("error") or "invalid_request", query.get("error_description", ""))
        said = await oidc.exchanged(visit.call, provider, departure, query)
    except OAuthError as error:
        raise failed(wanted, error) from None
    return await signed_in(visit, wanted, provider, said)


async def asserted(visit: Visit, domain: Domain) -> Response:
    """POST /saml2/idpresponse: keep what the provider says, if it counts, and have the browser follow."""
    state = visit.form.get("RelayState", "")
    departure, provider = await without_browser(visit, domain, state)
    if departure.stands_in or provider.kind != "SAML":
        raise OAuthError("invalid_request", "The browser was not sent to where this answer is from")
    wanted = await wish_of(visit, domain, departure)
    try:
        said = await saml.proven(visit.call, provider, departure, visit.form.get("SAMLResponse", ""))
    except OAuthError as error:
        await keep(visit, domain, departure, None)
        raise failed(wanted, error) from None
    await keep(visit, domain, departure, said)
    return redirect(with_query(own(visit, ACS), RelayState=state), status=303)


async def followed(visit: Visit, domain: Domain) -> Response:
    """GET /saml2/idpresponse: send the browser back to the client, as whom the provider said."""
    departure, provider = await under_way(visit, domain, visit.query.get("RelayState", ""), ends=True)
    if departure.said is None:
        raise OAuthError("invalid_request", "The provider has said nothing of this browser")
    wanted = await wish_of(visit, domain, departure)
    return await signed_in(visit, wanted, provider, departure.said, "server_error")


async def wish_of(visit: Visit, domain: Domain, departure: Departure) -> Wish:
    """What the client had asked for before the browser left."""
    return await wish(visit._replace(query=singles(departure.query)), domain)


async def signed_in(
    visit: Visit, wanted: Wish, provider: Provider, said: Said, code: str = "invalid_request"
) -> Response:
    """Send somebody whom a provider knows back to the client, signed in; BackToClient, whose error is `code`."""
    try:
        user = await arrived(visit.call, wanted.scene, provider, said)
    except AwsError as error:
        raise failed(wanted, OAuthError(code, error.message)) from None
    now = visit.call.now
    return await send_back(visit, wanted, user, now, [session_cookie(visit, wanted.scene, user, now)])
