"""/login and /logout: the page where people sign in, and the address that has the browser forgotten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kumoi.services.cognito_idp.factors import CODES, answered, ask_for, factors_of
from kumoi.services.cognito_idp.hosted import accounts, forms, page
from kumoi.services.cognito_idp.hosted.answers import COOKIE, send_back, session_cookie
from kumoi.services.cognito_idp.hosted.clients import check_redirect, client_in_domain
from kumoi.services.cognito_idp.hosted.departing import ways
from kumoi.services.cognito_idp.hosted.requests import OAuthError, Visit, redirect, set_cookie
from kumoi.services.cognito_idp.hosted.wishes import Wish, wish
from kumoi.services.cognito_idp.identity_providers import LOCAL, supported
from kumoi.services.cognito_idp.lookup import Scene
from kumoi.services.cognito_idp.records import Domain, User, users
from kumoi.services.cognito_idp.signing_in import after_sign_in, authenticated, before_tokens, new_password
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError
from kumoi.wire.http import Response

_MOST_SHOWN = 20


async def show(visit: Visit, domain: Domain) -> Response:
    """GET /login: the form."""
    wanted = await wish(visit, domain)
    others = await ways(visit, wanted)
    if LOCAL not in supported(wanted.client):
        return page.html(page.elsewhere(wanted.client.name, others))
    known, links = await _names(visit, wanted.scene), accounts.links(visit, wanted.scene.pool)
    shown: dict[str, Any] = {"known": known, "links": links, "others": others}
    return forms.fresh(visit, lambda token: page.sign_in(wanted.client.name, token, **shown))


async def take(visit: Visit, domain: Domain) -> Response:
    """POST /login: back to the client, or the form again with what is wrong."""
    wanted = await wish(visit, domain)
    if LOCAL not in supported(wanted.client):
        raise OAuthError("unauthorized_client", "The client's people sign in at identity providers alone")
    form, links, others = visit.form, accounts.links(visit, wanted.scene.pool), await ways(visit, wanted)
    if not forms.is_genuine(visit):
        return forms.fresh(
            visit,
            lambda token: page.sign_in(wanted.client.name, token, forms.TOO_OLD, links=links, others=others),
            403,
        )
    call, scene, app, token = visit.call, wanted.scene, wanted.client.name, forms.token_of(visit)
    try:
        if form.get("challenge") in CODES:
            user, first = await _by_code(visit, scene), None
        elif "new_password" in form:
            user = await new_password(call, scene, form.get("session"), {"NEW_PASSWORD": form["new_password"]})
            first = await before_tokens(call, scene, user)
        else:
            user = await authenticated(call, scene, form.get("username", ""), form.get("password", ""))
            first = await before_tokens(call, scene, user)
        if first is not None and first["ChallengeName"] == "SELECT_MFA_TYPE":
            first = await ask_for(call, scene, user, factors_of(scene.pool, user)[0])
    except AwsError as error:
        if "session" in form and error.code in ("InvalidPasswordException", "CodeMismatchException"):
            return page.html(_step(app, token, form, form["session"], error.message), 400)
        if error.code == "UserNotConfirmedException":
            return forms.fresh(visit, accounts.confirming(visit, wanted, form.get("username", ""), error.message), 400)
        said = "Incorrect username or password." if error.code == "UserNotFoundException" else error.message
        known = await _names(visit, scene)
        name = form.get("username", "")
        return page.html(page.sign_in(app, token, said, name, known, links=links, others=others), 400)
    if first is None:
        return await _done(visit, wanted, user)
    if first["ChallengeName"] == "MFA_SETUP":
        said = "This pool wants a second factor, and this page cannot set one up: the application has to."
        return page.html(page.failure("Second factor required", said), 400)
    asked = {"challenge": first["ChallengeName"], "username": user.name}
    return page.html(_step(app, token, asked, first["Session"]))


async def leave(visit: Visit, domain: Domain) -> Response:
    """GET /logout: forget the browser, and send it where the client wants."""
    query = visit.query
    _, client = await client_in_domain(visit, domain, query.get("client_id"))
    gone = [set_cookie(visit, COOKIE, "", 0)]
    if "logout_uri" in query:
        return redirect(check_redirect(client, "LogoutURLs", query["logout_uri"]), gone)
    check_redirect(client, "CallbackURLs", query.get("redirect_uri"))
    return redirect(f"login?{visit.request.query}", gone)


async def _done(visit: Visit, wanted: Wish, user: User) -> Response:
    now = visit.call.now
    await after_sign_in(visit.call, wanted.scene, user, {})
    return await send_back(visit, wanted, user, now, [session_cookie(visit, wanted.scene, user, now)])


def _step(app: str, token: str, form: Mapping[str, str], session: str, problem: str = "") -> str:
    """The form for what follows the password: a new one, or a code."""
    name, kind = form.get("username", ""), form.get("challenge", "")
    if kind in CODES:
        return page.code(app, token, session, name, kind, problem)
    return page.new_password(app, token, session, name, problem)


async def _by_code(visit: Visit, scene: Scene) -> User:
    kind = visit.form["challenge"]
    return await answered(visit.call, scene, kind, visit.form.get("session"), {CODES[kind]: visit.form.get("code", "")})


async def _names(visit: Visit, scene: Scene) -> Sequence[str]:
    """The first user names of the pool, for whoever tries an application out on their own machine."""
    if visit.call.doorway.identity.verifies or not visit.request.local:
        return ()
    return [user.name for user in await _some(scene.state, scene.pool.id)]


@transactional
async def _some(tx: Transaction, pool: str) -> list[User]:
    return await users.list(tx, pool, limit=_MOST_SHOWN)
