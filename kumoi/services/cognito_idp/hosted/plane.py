"""Requests to a pool's domain: which endpoint they are for, and how errors look there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlencode

from kumoi.doorway import Call
from kumoi.services.cognito_idp import cognito_idp
from kumoi.services.cognito_idp.hosted import accounts, page, returning, sign_in, standing_in, token
from kumoi.services.cognito_idp.hosted.authorize import authorize
from kumoi.services.cognito_idp.hosted.requests import OAuthError, Visit, redirect, visit
from kumoi.services.cognito_idp.hosted.wishes import BackToClient
from kumoi.services.cognito_idp.records import Domain, domains
from kumoi.state import Transaction, transactional
from kumoi.wire.http import BodyTooLarge, Response

Endpoint = Callable[[Visit, Domain], Awaitable[Response]]

_PAGES: Mapping[tuple[str, str], Endpoint] = {
    ("GET", "/oauth2/authorize"): authorize,
    ("POST", "/oauth2/authorize"): authorize,
    ("GET", "/login"): sign_in.show,
    ("POST", "/login"): sign_in.take,
    ("GET", "/signup"): accounts.show_sign_up,
    ("POST", "/signup"): accounts.take_sign_up,
    ("GET", "/confirmUser"): accounts.show_confirm,
    ("POST", "/confirmUser"): accounts.take_confirm,
    ("GET", "/forgotPassword"): accounts.show_forgot,
    ("POST", "/forgotPassword"): accounts.take_forgot,
    ("POST", "/confirmForgotPassword"): accounts.take_reset,
    ("GET", "/oauth2/idpresponse"): returning.returned,
    ("POST", "/oauth2/idpresponse"): returning.passed_on,
    ("GET", "/saml2/idpresponse"): returning.followed,
    ("POST", "/saml2/idpresponse"): returning.asserted,
    ("GET", "/standIn"): standing_in.show,
    ("POST", "/standIn"): standing_in.take,
    ("GET", "/logout"): sign_in.leave,
}
_PROGRAMS: Mapping[tuple[str, str], Endpoint] = {
    ("POST", "/oauth2/token"): token.token,
    ("POST", "/oauth2/revoke"): token.revocation,
    ("GET", "/oauth2/userInfo"): token.user_info,
    ("POST", "/oauth2/userInfo"): token.user_info,
}
_PATHS = frozenset(path for _, path in (*_PAGES, *_PROGRAMS))


@cognito_idp.data_plane("cognito-hosted-ui")
async def serve(call: Call, path: str, attributes: Mapping[str, str]) -> Response:
    """The endpoints of a domain."""
    domain = await _domain(call.state, attributes["id"])
    if domain is None:
        return page.html(page.failure("No such domain", f"No user pool has the domain {attributes['id']}."), 404)
    try:
        found = await visit(call, path)
    except BodyTooLarge:
        return OAuthError("invalid_request", "The form is too large", 413).answer()
    method = "GET" if found.request.method == "HEAD" else found.request.method
    programs = path in {known for _, known in _PROGRAMS}
    if programs:
        return _open_to_scripts(found, await _program(found, domain, method, path))
    if path == "/error":
        said = found.query.get("error", "An error was encountered with the requested page.")
        why = found.query.get("error_description")
        return page.html(page.failure("An error was encountered", f"{said}: {why}" if why else said), 400)
    endpoint = _PAGES.get((method, path))
    if endpoint is None:
        return page.html(page.failure("No such page", f"Nothing is at {path}."), 405 if path in _PATHS else 404)
    try:
        return await endpoint(found, domain)
    except BackToClient as back:
        return redirect(back.url)
    except OAuthError as error:
        up = "../" * (path.count("/") - 1)
        told = {"error": error.code, "client_id": found.query.get("client_id", "")}
        if error.description:
            told["error_description"] = error.description
        return redirect(f"{up}error?{urlencode(told)}")


async def _program(found: Visit, domain: Domain, method: str, path: str) -> Response:
    if method == "OPTIONS":
        return Response(204)
    endpoint = _PROGRAMS.get((method, path))
    try:
        if endpoint is None:
            raise OAuthError("invalid_request", f"{method} is not for {path}", 405)
        return await endpoint(found, domain)
    except OAuthError as error:
        return error.answer()


def _open_to_scripts(found: Visit, response: Response) -> Response:
    """Let pages of any origin ask: these endpoints go by what a request says, and not by cookies."""
    if "origin" in found.request.headers:
        response.headers += [
            ("Access-Control-Allow-Origin", "*"),
            ("Access-Control-Allow-Headers", "Authorization, Content-Type, X-Amz-User-Agent"),
            ("Access-Control-Allow-Methods", "GET, POST"),
        ]
    return response


@transactional
async def _domain(tx: Transaction, name: str) -> Domain | None:
    return await domains.get(tx, name)
