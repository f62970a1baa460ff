"""Actions of listener rules: checked when they are given; redirects and fixed answers made of them; pure.

Source: "Action types for listener rules" and the API reference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kumoi.services.elbv2.errors import invalid, not_built, refused

_ENDS = {"forward": "ForwardConfig", "redirect": "RedirectConfig", "fixed-response": "FixedResponseConfig"}
_REDIRECT = {"Protocol": "#{protocol}", "Port": "#{port}", "Host": "#{host}", "Path": "/#{path}", "Query": "#{query}"}
_MOST_GROUPS = 5
_TYPES = ("text/plain", "text/css", "text/html", "application/javascript", "application/json")


def checked(actions: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Actions as they are stored and told, the one that ends them last; raises ValidationError and others."""
    for action in actions:
        if action["Type"] not in _ENDS:
            raise not_built(f"actions of type {action['Type']}")
    if len(actions) != 1:
        raise refused(
            "InvalidLoadBalancerAction", "Actions must end with exactly one forward, redirect or fixed-response"
        )
    action = dict(actions[0])
    kind = action["Type"]
    for name, member in _ENDS.items():
        if name != kind and member in action:
            raise refused("InvalidLoadBalancerAction", f"{member} is not for actions of type '{kind}'")
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
