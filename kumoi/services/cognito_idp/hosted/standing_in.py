"""/standIn: the page that stands in for an identity provider, where developers say who it would say they are.

Nothing leaves this machine. Social providers have it unless the pool or the platform wants the real ones
(`identity_providers.stands_in`); it is asked by nobody but a browser that has just been sent here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from kumoi.services.cognito_idp.hosted import forms, page
from kumoi.services.cognito_idp.hosted.departing import failed, under_way
from kumoi.services.cognito_idp.hosted.page import Wanted
from kumoi.services.cognito_idp.hosted.requests import OAuthError, Visit
from kumoi.services.cognito_idp.hosted.returning import signed_in, wish_of
from kumoi.services.cognito_idp.identity_providers import subject_claim
from kumoi.services.cognito_idp.records import Departure, Domain, Provider, Said
from kumoi.wire.http import Response

_USUAL = ("email", "name")
_FLAGS = ("email_verified", "phone_number_verified")
_KINDS = {"email": "email", "phone_number": "tel"}
_ISSUER = "https://stand-in.kumoi.invalid/saml"


async def show(visit: Visit, domain: Domain) -> Response:
    """GET /standIn: the form."""
    _, provider = await _under_way(visit, domain, ends=False)
    return forms.fresh(visit, _form(visit, provider))


async def take(visit: Visit, domain: Domain) -> Response:
    """POST /standIn: on to the client, as whom the form says or refused."""
    departure, provider = await _under_way(visit, domain, ends=False)
    wanted = await wish_of(visit, domain, departure)
    if not forms.is_genuine(visit):
        return forms.fresh(visit, _form(visit, provider, forms.TOO_OLD), 403)
    if "again" in visit.form:
        await _under_way(visit, domain, ends=True)
        raise failed(wanted, OAuthError("access_denied", f"{provider.name}: the user refused"))
    try:
        said = claimed(provider, visit.form)
    except ValueError as error:
        return forms.fresh(visit, _form(visit, provider, str(error)), 400)
    await _under_way(visit, domain, ends=True)
    return await signed_in(visit, wanted, provider, said)


async def _under_way(visit: Visit, domain: Domain, *, ends: bool) -> tuple[Departure, Provider]:
    departure, provider = await under_way(visit, domain, visit.query.get("state", ""), ends=ends)
    if not departure.stands_in:
        raise OAuthError("invalid_request", "Nothing stands in for this provider")
    return departure, provider


def claimed(provider: Provider, form: Mapping[str, str]) -> Said:
    """What the provider would say of whom a form tells of; ValueError. Pure.

    Without a name of the provider's own for them it is made of the rest, the same for the same e-mail address.
    """
    claims: dict[str, Any] = {name: form[name] for name in _asked(provider) if form.get(name)}
    claims |= {name: value == "true" for name, value in claims.items() if name in _FLAGS}
    try:
        more = orjson.loads(form.get("more") or "{}")
    except orjson.JSONDecodeError:
        raise ValueError("The other claims are no JSON.") from None
    if not isinstance(more, dict):
        raise ValueError("The other claims are no JSON object.")
    claims |= more
    name = provider.mapping.get("username") or subject_claim(provider.kind)
    subject = str(claims.get(name) or form.get("subject") or "")
    if not subject:
        seed = str(claims.get("email") or "") or orjson.dumps(claims, option=orjson.OPT_SORT_KEYS).decode()
        subject = str(int(hashlib.sha256(f"{provider.kind}/{seed}".encode()).hexdigest()[:17], 16)).zfill(21)
    if not subject.isprintable() or len(subject) > 100:
        raise ValueError("The user's id has up to 100 characters.")
    issuer = _ISSUER if provider.kind == "SAML" else None
    return Said(subject, {**claims, name: subject}, issuer)


def _asked(provider: Provider) -> list[str]:
    """The claims that the form asks for: the usual ones, and what the pool makes of any."""
    subject = provider.mapping.get("username") or subject_claim(provider.kind)
    named = dict.fromkeys(
        [*_USUAL, *provider.mapping.values()] if provider.kind != "SAML" else provider.mapping.values()
    )
    return [name for name in named if name != subject]


def _form(visit: Visit, provider: Provider, problem: str = "") -> Callable[[str], str]:
    form = visit.form
    asked = [
        Wanted(
            name,
            name.rpartition("/")[2].replace("_", " ").capitalize() or name,
            _KINDS.get(name, "text"),
            "off",
            form.get(name, "true" if name in _FLAGS else ""),
            required=False,
        )
        for name in _asked(provider)
    ]
    asked += [
        Wanted(
            "subject",
            f"Id at {provider.name} (made up if empty)",
            "text",
            "off",
            form.get("subject", ""),
            required=False,
        ),
        Wanted("more", "Other claims (JSON)", "text", "off", form.get("more", ""), required=False),
    ]
    note = f"Kumoi stands in for {provider.name}: say who it would say you are. Nothing is sent anywhere."
    return lambda token: page.form(
        f"Sign in with {provider.name}", asked, "Sign in", {"_csrf": token}, problem, note, again="Refuse"
    )
