"""/signup, /confirmUser, /forgotPassword and /confirmForgotPassword: pages of those who cannot sign in yet.

Each is the operation of the same name with a form around it; what it refuses stands above the form. Who is done goes on
to sign in, on the way to where the client wanted them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable

from kumoi.services.cognito_idp.errors import invalid
from kumoi.services.cognito_idp.hosted import forms, page
from kumoi.services.cognito_idp.hosted.departing import ways
from kumoi.services.cognito_idp.hosted.page import Link, Wanted
from kumoi.services.cognito_idp.hosted.requests import OAuthError, Visit
from kumoi.services.cognito_idp.hosted.wishes import Wish, wish
from kumoi.services.cognito_idp.operations.passwords import confirm_forgot_password, forgot_password
from kumoi.services.cognito_idp.operations.sign_up import confirm_sign_up, resend_confirmation_code, sign_up
from kumoi.services.cognito_idp.policies import NEEDS_VERIFYING, STANDARD
from kumoi.services.cognito_idp.records import Client, Domain, Pool
from kumoi.wire.errors import AwsError
from kumoi.wire.http import Response

_NAMES = {"email": "E-mail", "phone_number": "Telephone number", "name": "Name"}
_LONGEST = {"username": 128, "password": 256}
_NEW_PASSWORD = Wanted("password", "Password", "password", "new-password")
_CODE = Wanted("code", "Code", "text", "one-time-code")


async def show_sign_up(visit: Visit, domain: Domain) -> Response:
    """GET /signup: the form."""
    wanted = await _open(visit, domain)
    return forms.fresh(visit, _sign_up(visit, wanted))


async def take_sign_up(visit: Visit, domain: Domain) -> Response:
    """POST /signup: on to the code, or to sign in where a function confirmed at once."""
    wanted = await _open(visit, domain)
    name, form = visit.form.get("username", ""), visit.form
    if not forms.is_genuine(visit):
        return forms.fresh(visit, _sign_up(visit, wanted, forms.TOO_OLD), 403)
    given = [{"Name": one, "Value": form[one]} for one in _attributes(wanted.scene.pool) if form.get(one)]
    try:
        _check_lengths(visit)
        made = await sign_up(
            visit.call, wanted.client.id, name, form.get("password", ""), _proof(wanted.client, name), given
        )
    except AwsError as error:
        return forms.fresh(visit, _sign_up(visit, wanted, error.message), 400)
    if made["UserConfirmed"]:
        return await _signing_in(visit, wanted, name, "Your account is ready.")
    return forms.fresh(visit, confirming(visit, wanted, name, note=_sent(made)))


async def show_confirm(visit: Visit, domain: Domain) -> Response:
    """GET /confirmUser: the form for the code."""
    wanted = await wish(visit, domain)
    return forms.fresh(visit, confirming(visit, wanted, visit.query.get("username", "")))


async def take_confirm(visit: Visit, domain: Domain) -> Response:
    """POST /confirmUser: on to sign in; or another code."""
    wanted = await wish(visit, domain)
    name, proof = visit.form.get("username", ""), _proof(wanted.client, visit.form.get("username", ""))
    if not forms.is_genuine(visit):
        return forms.fresh(visit, confirming(visit, wanted, name, forms.TOO_OLD), 403)
    try:
        _check_lengths(visit)
        if "again" in visit.form:
            sent = await resend_confirmation_code(visit.call, wanted.client.id, name, proof)
            return forms.fresh(visit, confirming(visit, wanted, name, note=_sent(sent)))
        await confirm_sign_up(visit.call, wanted.client.id, name, visit.form.get("code", ""), proof)
    except AwsError as error:
        return forms.fresh(visit, confirming(visit, wanted, name, error.message), 400)
    return await _signing_in(visit, wanted, name, "Your account is confirmed.")


async def show_forgot(visit: Visit, domain: Domain) -> Response:
    """GET /forgotPassword: whose password it is."""
    wanted = await wish(visit, domain)
    return forms.fresh(visit, _forgot(visit, wanted))


async def take_forgot(visit: Visit, domain: Domain) -> Response:
    """POST /forgotPassword: on to the code and another password."""
    wanted = await wish(visit, domain)
    name = visit.form.get("username", "")
    if not forms.is_genuine(visit):
        return forms.fresh(visit, _forgot(visit, wanted, forms.TOO_OLD), 403)
    try:
        _check_lengths(visit)
        sent = await forgot_password(visit.call, wanted.client.id, name, _proof(wanted.client, name))
    except AwsError as error:
        return forms.fresh(visit, _forgot(visit, wanted, error.message), 400)
    return forms.fresh(visit, _reset(visit, wanted, name, note=_sent(sent)))


async def take_reset(visit: Visit, domain: Domain) -> Response:
    """POST /confirmForgotPassword: on to sign in."""
    wanted = await wish(visit, domain)
    name, form = visit.form.get("username", ""), visit.form
    if not forms.is_genuine(visit):
        return forms.fresh(visit, _reset(visit, wanted, name, forms.TOO_OLD), 403)
    try:
        _check_lengths(visit)
        await confirm_forgot_password(
            visit.call,
            wanted.client.id,
            name,
            form.get("code", ""),
            form.get("password", ""),
            _proof(wanted.client, name),
        )
    except AwsError as error:
        return forms.fresh(visit, _reset(visit, wanted, name, error.message), 400)
    return await _signing_in(visit, wanted, name, "Your password is changed.")


def links(visit: Visit, pool: Pool) -> list[Link]:
    """What the page to sign in at leads to."""
    found = [Link("Forgot your password?", f"forgotPassword?{visit.request.query}")]
    if _is_open(pool):
        found.append(Link("Create an account", f"signup?{visit.request.query}"))
    return found


def confirming(visit: Visit, wanted: Wish, name: str, problem: str = "", note: str = "") -> Callable[[str], str]:
    """The form for the code that confirms a user."""
    title = f"{wanted.client.name}: confirm your account"
    hidden = {"username": name} if name else {}
    asked = [_CODE] if name else [Wanted("username", "User name", "text", "username"), _CODE]
    return lambda token: page.form(
        title, asked, "Confirm", {"_csrf": token, **hidden}, problem, note, f"confirmUser?{visit.request.query}",
        again="Send another code" if name else "",
    )  # fmt: skip


def _sign_up(visit: Visit, wanted: Wish, problem: str = "") -> Callable[[str], str]:
    pool, form = wanted.scene.pool, visit.form
    stand_ins = pool.definition.get("UsernameAttributes") or ()
    label = " or ".join(_NAMES[one].lower() for one in stand_ins).capitalize() or "User name"
    asked = [Wanted("username", label, "text", "username", form.get("username", ""))]
    for one in _attributes(pool):
        kind = {"email": "email", "phone_number": "tel"}.get(one, "text")
        asked.append(Wanted(one, _NAMES.get(one, one.replace("_", " ").capitalize()), kind, "on", form.get(one, "")))
    back = [Link("I have an account", f"login?{visit.request.query}")]
    title = f"Create an account for {wanted.client.name}"
    return lambda token: page.form(
        title, [*asked, _NEW_PASSWORD], "Create account", {"_csrf": token}, problem, links=back
    )


def _forgot(visit: Visit, wanted: Wish, problem: str = "") -> Callable[[str], str]:
    asked = [Wanted("username", "User name", "text", "username", visit.form.get("username", ""))]
    title = f"{wanted.client.name}: forgot your password?"
    back = [Link("Back", f"login?{visit.request.query}")]
    return lambda token: page.form(title, asked, "Send a code", {"_csrf": token}, problem, links=back)


def _reset(visit: Visit, wanted: Wish, name: str, problem: str = "", note: str = "") -> Callable[[str], str]:
    title = f"{wanted.client.name}: choose a new password"
    hidden, to = {"username": name}, f"confirmForgotPassword?{visit.request.query}"
    return lambda token: page.form(
        title, [_CODE, _NEW_PASSWORD], "Continue", {"_csrf": token, **hidden}, problem, note, to
    )


async def _signing_in(visit: Visit, wanted: Wish, name: str, note: str) -> Response:
    to = f"login?{visit.request.query}"
    shown, others = links(visit, wanted.scene.pool), await ways(visit, wanted)
    return forms.fresh(
        visit,
        lambda token: page.sign_in(
            wanted.client.name, token, note=f"{note} Sign in now.", name=name, to=to, links=shown, others=others
        ),
    )


async def _open(visit: Visit, domain: Domain) -> Wish:
    """What is asked for, of a pool where people may sign up themselves."""
    wanted = await wish(visit, domain)
    if not _is_open(wanted.scene.pool):
        raise OAuthError("SignUp is not permitted for this user pool")
    return wanted


def _is_open(pool: Pool) -> bool:
    return not (pool.definition.get("AdminCreateUserConfig") or {}).get("AllowAdminCreateUserOnly")


def _attributes(pool: Pool) -> list[str]:
    """What is asked of somebody new: what the pool requires, and an address that their code can go to."""
    stand_ins = set(pool.definition.get("UsernameAttributes") or ())
    required = [one.get("Name", "") for one in pool.definition.get("Schema") or () if one.get("Required")]
    automatic = (
        []
        if stand_ins
        else [one for one in NEEDS_VERIFYING if one in (pool.definition.get("AutoVerifiedAttributes") or ())]
    )
    wanted = dict.fromkeys([*automatic[:1], *required])
    return [one for one in wanted if one in STANDARD and one != "sub" and one not in stand_ins]


def _check_lengths(visit: Visit) -> None:
    """Raise InvalidParameterException for what the operations' models would not take."""
    for name, value in visit.form.items():
        if len(value) > _LONGEST.get(name, 2_048) or (not value and name in _LONGEST):
            raise invalid(f"{name} has to have between 1 and {_LONGEST.get(name, 2_048)} characters")


def _sent(answer: dict[str, object]) -> str:
    details = answer.get("CodeDeliveryDetails")
    if not isinstance(details, dict):
        return "An administrator has to confirm your account."
    return f"A code was sent to {details.get('Destination')}: it is in the pool's log group."


def _proof(client: Client, name: str) -> str | None:
    """The SecretHash of a client that has a secret: the page asks on its behalf."""
    if not client.secret:
        return None
    digest = hmac.digest(client.secret.encode(), f"{name}{client.id}".encode(), hashlib.sha256)
    return base64.b64encode(digest).decode()
