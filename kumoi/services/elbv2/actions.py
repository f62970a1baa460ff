"""Actions of listener rules: checked when they are given; redirects and fixed answers made of them; pure.

Source: "Action types for listener rules" and the API reference.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from typing import Any

from kumoi.doorway.sealing import Sealer
from kumoi.services.elbv2.errors import invalid, not_built, refused

_ENDS = {"forward": "ForwardConfig", "redirect": "RedirectConfig", "fixed-response": "FixedResponseConfig"}
_REDIRECT = {"Protocol": "#{protocol}", "Port": "#{port}", "Host": "#{host}", "Path": "/#{path}", "Query": "#{query}"}
_OIDC = ("Issuer", "AuthorizationEndpoint", "TokenEndpoint", "UserInfoEndpoint", "ClientId")
_COGNITO = ("UserPoolArn", "UserPoolClientId", "UserPoolDomain")
_AUTHENTICATION = {
    "SessionCookieName": "AWSELBAuthSessionCookie",
    "Scope": "openid",
    "SessionTimeout": 604_800,
    "OnUnauthenticatedRequest": "authenticate",
}
_COOKIE_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")
CONFIGS = {"authenticate-oidc": "AuthenticateOidcConfig", "authenticate-cognito": "AuthenticateCognitoConfig"}
_MOST_GROUPS = 5
_TYPES = ("text/plain", "text/css", "text/html", "application/javascript", "application/json")


def checked(actions: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Actions as they are stored and told, the one that ends them last; raises ValidationError and others."""
    for action in actions:
        if action["Type"] not in _ENDS and action["Type"] not in CONFIGS:
            raise not_built(f"actions of type {action['Type']}")
        for name, member in {**_ENDS, **CONFIGS}.items():
            if name != action["Type"] and member in action:
                raise refused("InvalidLoadBalancerAction", f"{member} is not for actions of type '{action['Type']}'")
    ends = [action for action in actions if action["Type"] in _ENDS]
    before = [action for action in actions if action["Type"] in CONFIGS]
    if len(ends) != 1:
        raise refused(
            "InvalidLoadBalancerAction", "Actions must end with exactly one forward, redirect or fixed-response"
        )
    if len(before) > 1:
        raise refused("InvalidLoadBalancerAction", "A rule can have at most one authentication action")
    if before:
        orders = [action.get("Order") for action in (*before, *ends)]
        if None in orders or orders != sorted(set(orders), key=lambda one: one or 0):
            raise refused("InvalidLoadBalancerAction", "The Order of an authentication action must be the lowest")
    return [*(_authentication(action) for action in before), *_end(ends[0])]


def _authentication(action: Mapping[str, Any]) -> dict[str, Any]:
    kind = action["Type"]
    config = {**_AUTHENTICATION, **(action.get(CONFIGS[kind]) or {})}
    needed = _OIDC if kind == "authenticate-oidc" else _COGNITO
    if missing := [name for name in needed if not config.get(name)]:
        raise refused("InvalidLoadBalancerAction", f"{missing[0]} must be specified for actions of type '{kind}'")
    if kind == "authenticate-oidc" and not config.get("ClientSecret") and not config.get("UseExistingClientSecret"):
        raise refused("InvalidLoadBalancerAction", "You must either specify a client secret or use the existing one")
    if kind == "authenticate-oidc":
        for name in ("AuthorizationEndpoint", "TokenEndpoint", "UserInfoEndpoint", "Issuer"):
            if not str(config[name]).startswith(("https://", "http://")):
                raise refused("InvalidLoadBalancerAction", f"{name} must be a URL")
    if not 1 <= int(config["SessionTimeout"]) <= 604_800:
        raise invalid("The session timeout must be between '1' and '604800' seconds")
    if not _COOKIE_NAME.fullmatch(config["SessionCookieName"]):
        raise invalid(f"'{config['SessionCookieName']}' is no name of a cookie")
    return {**action, CONFIGS[kind]: config}


def _end(stated: Mapping[str, Any]) -> list[dict[str, Any]]:
    action = dict(stated)
    kind = action["Type"]
    if kind == "forward":
        return [_forward(action)]
    config = action.get(_ENDS[kind])
    if not config:
        raise refused("InvalidLoadBalancerAction", f"{_ENDS[kind]} must be specified for actions of type '{kind}'")
    if kind == "redirect":
        return [{**action, "RedirectConfig": _redirect(config)}]
    if config.get("ContentType") not in (None, *_TYPES):
        raise invalid(f"The Content-Type must be one of '{', '.join(_TYPES)}'")
    return [action]


def _forward(action: dict[str, Any]) -> dict[str, Any]:
    config = dict(action.get("ForwardConfig") or {})
    named = action.get("TargetGroupArn")
    weighted = [
        {"Weight": 1, **one} for one in config.get("TargetGroups") or ([{"TargetGroupArn": named}] if named else [])
    ]
    if not weighted or not all(one.get("TargetGroupArn") for one in weighted):
        raise refused("InvalidLoadBalancerAction", "A target group ARN must be specified for actions of type 'forward'")
    if len(weighted) > _MOST_GROUPS:
        raise refused("TooManyTargetGroups", f"A forward action can have at most '{_MOST_GROUPS}' target groups")
    if named and (len(weighted) > 1 or weighted[0]["TargetGroupArn"] != named):
        raise refused("InvalidLoadBalancerAction", "TargetGroupArn and ForwardConfig must name the same target group")
    if any(not 0 <= one["Weight"] <= 999 for one in weighted):
        raise invalid("Target group weights must be between '0' and '999'")
    stickiness = {"Enabled": False, **(config.get("TargetGroupStickinessConfig") or {})}
    if stickiness["Enabled"] and not 1 <= stickiness.get("DurationSeconds", 0) <= 604_800:
        raise invalid("Target group stickiness duration must be between '1' and '604800' seconds")
    said = {"TargetGroupArn": weighted[0]["TargetGroupArn"]} if len(weighted) == 1 else {}
    order = {"Order": action["Order"]} if "Order" in action else {}
    forward = {"TargetGroups": weighted, "TargetGroupStickinessConfig": stickiness}
    return {"Type": "forward", **said, **order, "ForwardConfig": forward}


def _redirect(config: Mapping[str, Any]) -> dict[str, Any]:
    said = {**_REDIRECT, **config}
    if not said["Path"].startswith("/"):
        raise invalid("The redirect path must begin with '/'")
    if all(said[name] == default for name, default in _REDIRECT.items() if name != "Query"):
        raise refused(
            "InvalidLoadBalancerAction",
            "The RedirectConfig must change at least one of protocol, host, port or path, to avoid a redirect loop",
        )
    if said["Port"] != "#{port}" and not (said["Port"].isdigit() and 1 <= int(said["Port"]) <= 65_535):
        raise invalid("The redirect port must be between 1 and 65535, or '#{port}'")
    return said


def location(config: Mapping[str, str], *, protocol: str, host: str, port: int, path: str, query: str) -> str:
    """Where a redirect leads; `path` begins with a slash."""
    known = {"protocol": protocol, "host": host, "port": str(port), "path": path.removeprefix("/"), "query": query}

    def filled(name: str) -> str:
        text = config[name]
        for placeholder, content in known.items():
            text = text.replace(f"#{{{placeholder}}}", content)
        return text

    rest = filled("Query")
    return (
        f"{filled('Protocol').lower()}://{filled('Host')}:{filled('Port')}{filled('Path')}{'?' if rest else ''}{rest}"
    )


def groups_of(actions: Sequence[Mapping[str, Any]]) -> list[str]:
    """The ARNs of the target groups that actions forward to."""
    return [
        one["TargetGroupArn"]
        for action in actions
        if action["Type"] == "forward"
        for one in action["ForwardConfig"]["TargetGroups"]
    ]


def check_protocol(protocol: str, actions: Sequence[Mapping[str, Any]]) -> None:
    """Refuse to authenticate people over plain HTTP."""
    for action in actions:
        if action["Type"] in CONFIGS and protocol != "HTTPS":
            raise refused(
                "InvalidLoadBalancerAction", f"Actions of type '{action['Type']}' are supported only on HTTPS listeners"
            )


def secret_context(client: str) -> str:
    """What a client's secret is sealed for."""
    return f"elbv2/client/{client}"


def sealed(actions: Sequence[dict[str, Any]], sealer: Sealer) -> list[dict[str, Any]]:
    """Actions as they are stored: the secrets of clients are encrypted."""
    found = []
    for action in actions:
        config = action.get("AuthenticateOidcConfig")
        if config and config.get("ClientSecret"):
            secret = sealer.seal(str(config["ClientSecret"]).encode(), secret_context(config["ClientId"]))
            config = {**config, "ClientSecret": base64.b64encode(secret).decode()}
            action = {**action, "AuthenticateOidcConfig": config}
        found.append(action)
    return found


def with_known_secret(actions: Sequence[dict[str, Any]], before: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Actions with the client's secret of those they replace, where they say so."""
    known: Mapping[str, Any] = next(
        (one["AuthenticateOidcConfig"] for one in before if one["Type"] == "authenticate-oidc"), {}
    )
    found = []
    for action in actions:
        config = action.get("AuthenticateOidcConfig")
        if config and config.get("UseExistingClientSecret") and not config.get("ClientSecret"):
            if known.get("ClientId") != config["ClientId"]:
                raise refused("InvalidLoadBalancerAction", "There is no existing client secret of this client to use")
            action = {**action, "AuthenticateOidcConfig": {**config, "ClientSecret": known["ClientSecret"]}}
        found.append(action)
    return found


def shown(actions: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Actions as they are told: without secrets."""
    hidden = ("ClientSecret", "UseExistingClientSecret")
    return [
        {
            name: {key: one for key, one in value.items() if key not in hidden}
            if name == "AuthenticateOidcConfig"
            else value
            for name, value in action.items()
        }
        for action in actions
    ]
