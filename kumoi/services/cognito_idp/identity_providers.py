"""What a pool knows of identity providers: what each kind has to be given, where it is, what its claims become. Pure.

Sources: CreateIdentityProvider of the API reference (`ProviderDetails` by type), and "Specifying identity provider
attribute mappings" of the developer guide.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote_plus, urlsplit

import orjson

from kumoi.saml import check_metadata
from kumoi.services.cognito_idp.errors import invalid
from kumoi.services.cognito_idp.policies import STANDARD, custom_attributes
from kumoi.services.cognito_idp.records import Client, Identity, Pool, Provider

LOCAL = "COGNITO"
"""The name of the pool itself among the providers of a client."""
SUBJECT = "Cognito_Subject"
"""The attribute that a provider knows somebody by, whatever its own name for that is."""
SOCIAL = ("Facebook", "Google", "LoginWithAmazon", "SignInWithApple")
"""Kinds of which a pool has one at most, which is named like the kind."""
SECRETS = ("client_secret", "private_key")
STAND_IN_TAG = "kumoi:identity-providers"
"""A tag of a pool: `stand-in` has none of its providers asked, `real` the social ones, too."""
_LONGEST = 2_048
_APP = ("client_id", "client_secret", "authorize_scopes")
_REQUIRED: Mapping[str, tuple[str, ...]] = {
    "Facebook": _APP,
    "Google": _APP,
    "LoginWithAmazon": _APP,
    "SignInWithApple": ("client_id", "team_id", "key_id", "authorize_scopes"),
    "OIDC": ("client_id", "attributes_request_method", "oidc_issuer", "authorize_scopes"),
    "SAML": (),
}
_FIXED: Mapping[str, Mapping[str, str]] = {
    "Facebook": {
        "api_version": "v17.0",
        "attributes_url_add_attributes": "true",
        "token_request_method": "GET",
    },
    "Google": {
        "attributes_url": "https://people.googleapis.com/v1/people/me?personFields=",
        "attributes_url_add_attributes": "true",
        "authorize_url": "https://accounts.google.com/o/oauth2/v2/auth",
        "oidc_issuer": "https://accounts.google.com",
        "token_request_method": "POST",
        "token_url": "https://www.googleapis.com/oauth2/v4/token",
    },
    "LoginWithAmazon": {
        "attributes_url": "https://api.amazon.com/user/profile",
        "attributes_url_add_attributes": "false",
        "authorize_url": "https://www.amazon.com/ap/oa",
        "token_request_method": "POST",
        "token_url": "https://api.amazon.com/auth/o2/token",
    },
    "SignInWithApple": {
        "attributes_url_add_attributes": "false",
        "authorize_url": "https://appleid.apple.com/auth/authorize",
        "oidc_issuer": "https://appleid.apple.com",
        "token_request_method": "POST",
        "token_url": "https://appleid.apple.com/auth/token",
    },
    "OIDC": {"attributes_url_add_attributes": "false"},
    "SAML": {},
}
_URLS = ("oidc_issuer", "authorize_url", "token_url", "attributes_url", "jwks_uri", "MetadataURL")
_SUBJECTS = {"Facebook": "id", "LoginWithAmazon": "user_id"}
_RESERVED = (LOCAL, "Cognito")


def check_name(name: str, kind: str) -> None:
    """Raise InvalidParameterException for a name that a provider of this kind cannot have."""
    if kind in SOCIAL:
        if name != kind:
            raise invalid(f"Provider {name} cannot be of type {kind}.")
    elif name in SOCIAL or name in _RESERVED:
        raise invalid(f"Provider {name} cannot be of type {kind}.")
    elif len(name) < 3:
        raise invalid("The name of a provider has at least 3 characters.")


def details_of(kind: str, given: Mapping[str, str]) -> dict[str, str]:
    """A provider's details with what is fixed for its kind; InvalidParameterException where one is missing or wrong."""
    for name in _REQUIRED[kind]:
        if not given.get(name):
            raise invalid(f"{name} is missing in the ProviderDetails of a provider of type {kind}.")
    for name in _URLS:
        if given.get(name) and not is_url(given[name]):
            raise invalid(f"{name} in ProviderDetails is not a URL.")
    if given.get("attributes_request_method", "GET") not in ("GET", "POST"):
        raise invalid("attributes_request_method in ProviderDetails is GET or POST.")
    if kind == "OIDC" and "openid" not in given["authorize_scopes"].split():
        raise invalid("authorize_scopes in ProviderDetails have to contain openid.")
    if kind == "SAML":
        _check_saml(given)
    fixed = dict(_FIXED[kind])
    if kind == "Facebook":
        version = given.get("api_version") or fixed["api_version"]
        fixed |= {
            "attributes_url": f"https://graph.facebook.com/{version}/me?fields=",
            "authorize_url": f"https://www.facebook.com/{version}/dialog/oauth",
            "token_url": f"https://graph.facebook.com/{version}/oauth/access_token",
        }
    return {**fixed, **given}


def mapping_of(pool: Pool, kind: str, given: Mapping[str, str] | None) -> dict[str, str]:
    """An attribute mapping; InvalidParameterException for attributes that the pool does not have."""
    known = {*STANDARD, *custom_attributes(pool), "username"} - {"sub"}
    unknown = sorted(set(given or ()) - known)
    if unknown:
        raise invalid(f"The attribute mapping names attributes that the user pool does not have: {', '.join(unknown)}")
    default = {} if kind == "SAML" else {"username": subject_claim(kind)}
    return {**default, **(given or {})}


def subject_claim(kind: str) -> str:
    """The claim that a provider of this kind knows people by."""
    return _SUBJECTS.get(kind, "sub")


def check_supported(pool: Pool, wanted: Iterable[str], known: Iterable[str]) -> None:
    """Raise InvalidParameterException for providers of a client that are not the pool's."""
    there = {LOCAL, *known}
    for name in wanted:
        if name not in there:
            raise invalid(f"The provider {name} does not exist for User Pool {pool.id}")


def supported(client: Client) -> tuple[str, ...]:
    """The providers that a client offers: the pool alone where it does not say."""
    return tuple(client.definition.get("SupportedIdentityProviders") or (LOCAL,))


def stands_in(pool: Pool, kind: str, *, guarded: bool) -> bool:
    """Whether a page of Kumoi's stands in for a provider.

    For social ones, by default; not where the platform is `guarded`: everybody could be anybody there.
    """
    wanted = pool.tags.get(STAND_IN_TAG)
    return wanted == "stand-in" or (wanted != "real" and kind in SOCIAL and not guarded)


def mapped(provider: Provider, claims: Mapping[str, Any]) -> dict[str, str]:
    """The pool's attributes that claims become; what is not claimed changes nothing. ValueError for one too long."""
    found: dict[str, str] = {}
    for attribute, claim in provider.mapping.items():
        if claims.get(claim) is None or (attribute == "username" and provider.kind != "SAML"):
            continue
        value = _text(claims[claim])
        if len(value) > _LONGEST:
            raise ValueError(f"{attribute}: String must be no longer than {_LONGEST} characters")
        found[attribute] = value
    return found


def _text(value: Any) -> str:
    """A claim as an attribute has it."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return value[0] if len(value) == 1 else f"[{', '.join(quote_plus(one, safe='*') for one in value)}]"
    return orjson.dumps(value).decode()


def identities_claim(identities: Iterable[Identity]) -> list[dict[str, Any]]:
    """The `identities` of a user, as their attribute has them; those that have not come yet are not among them."""
    return [
        {
            "userId": one.value,
            "providerName": one.provider,
            "providerType": one.kind,
            "issuer": one.issuer,
            "primary": one.own,
            "dateCreated": int(one.created * 1000),
        }
        for one in identities
        if one.attribute == SUBJECT
    ]


def identities_text(identities: Iterable[Identity]) -> dict[str, str]:
    """The attribute `identities`, for users who have any."""
    found = identities_claim(identities)
    return {"identities": orjson.dumps(found).decode()} if found else {}


def is_url(text: str) -> bool:
    """Whether a text is a URL that a provider can be at."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and text.isprintable() and " " not in text


def _check_saml(given: Mapping[str, str]) -> None:
    text = given.get("MetadataFile")
    if not text and not given.get("MetadataURL"):
        raise invalid("ProviderDetails of a provider of type SAML have a MetadataFile or a MetadataURL.")
    if text:
        try:
            check_metadata(text)
        except ValueError as error:
            raise invalid(str(error)) from None
