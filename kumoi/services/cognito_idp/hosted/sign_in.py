"""/login and /logout: the page where people sign in, and the address that has the browser forgotten."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence

from kumoi.services.cognito_idp.hosted import page
from kumoi.services.cognito_idp.hosted.authorize import COOKIE, Wish, send_back, session_cookie, set_cookie, wish
from kumoi.services.cognito_idp.hosted.clients import check_redirect, client_in_domain
from kumoi.services.cognito_idp.hosted.requests import Visit, redirect
from kumoi.services.cognito_idp.lookup import Scene
from kumoi.services.cognito_idp.records import Domain, User, users
from kumoi.services.cognito_idp.sessions import opened, user_of
from kumoi.services.cognito_idp.signing_in import after_sign_in, authenticated, before_tokens, new_password
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError
from kumoi.wire.http import Response

_CSRF = "XSRF-TOKEN"
_MOST_SHOWN = 20


async def show(visit: Visit, domain: Domain) -> Response:
    """GET /login: the form."""
    wanted = await wish(visit, domain)
    token = visit.cookie(_CSRF) or secrets.token_hex(16)
    known = await _names(visit, wanted.scene)
    content = page.sign_in(wanted.client.name, token, known=known)
    return page.html(content, headers=[set_cookie(visit, _CSRF, token, 3_600)])


async def take(visit: Visit, domain: Domain) -> Response:
    """POST /login: back to the client, or the form again with what is wrong."""
    wanted = await wish(visit, domain)
    token, form = visit.cookie(_CSRF) or "", visit.form
    if not token or not hmac.compare_digest(token.encode(), form.get("_csrf", "").encode()):
        content = page.sign_in(wanted.client.name, token or secrets.token_hex(16), "The form was too old: try again.")
        return page.html(content, 403)
    call, scene, app = visit.call, wanted.scene, wanted.client.name
    try:
        if "new_password" in form:
            given = {"NEW_PASSWORD": form["new_password"]}
            user = await new_password(call, scene, form.get("session"), given)
            return await _done(visit, wanted, user)
        user = await authenticated(call, scene, form.get("username", ""), form.get("password", ""))
        first = before_tokens(call, scene, user)
    except AwsError as error:
        if "new_password" in form and error.code == "InvalidPasswordException":
            return await _again(visit, wanted, form.get("session", ""), error)
        said = "Incorrect username or password." if error.code == "UserNotFoundException" else error.message
        content = page.sign_in(app, token, said, form.get("username", ""), await _names(visit, scene))
        return page.html(content, 400)
    if first is not None:
        return page.html(page.new_password(app, token, first["Session"], user.name))
    return await _done(visit, wanted, user)


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


async def _again(visit: Visit, wanted: Wish, session: str, error: AwsError) -> Response:
    """The form for a new password, which was refused."""
    user = await user_of(wanted.scene, opened(visit.call, wanted.scene, session, "NEW_PASSWORD_REQUIRED"))
    token = visit.cookie(_CSRF) or ""
    return page.html(page.new_password(wanted.client.name, token, session, user.name, error.message), 400)


async def _names(visit: Visit, scene: Scene) -> Sequence[str]:
    """The first user names of the pool, for whoever tries an application out on their own machine."""
    if visit.call.doorway.identity.verifies or not visit.request.local:
        return ()
    return [user.name for user in await _some(scene.state, scene.pool.id)]


@transactional
async def _some(tx: Transaction, pool: str) -> list[User]:
    return await users.list(tx, pool, limit=_MOST_SHOWN)
