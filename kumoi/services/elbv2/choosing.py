"""Which target group and which target a request goes to: by weight and in turn, or where a cookie says it went before.

Source: "Sticky sessions for your Application Load Balancer". The cookies' contents are the platform's own.
"""

from __future__ import annotations

import base64
import binascii
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from kumoi.services.elbv2.attributes import SERVERS, value
from kumoi.services.elbv2.records import Target, TargetGroup

GROUP_COOKIE = "AWSALBTG"
TARGET_COOKIE = "AWSALB"
APP_COOKIE = "AWSALBAPP-0"
_KEPT = 10_000


class Turns:
    """Whose turn it is, by listener rule or target group; the least recently used are forgotten."""

    def __init__(self) -> None:
        self._standings: OrderedDict[str, dict[str, int]] = OrderedDict()

    def choose(self, key: str, weights: Mapping[str, int]) -> str | None:
        """The next of several, each as often as its weight says, spread evenly; None where all weigh nothing."""
        total = sum(weights.values())
        if total == 0:
            return None
        standing = self._standings.pop(key, {})
        standing = {name: standing.get(name, 0) + weight for name, weight in weights.items()}
        chosen = max(standing, key=lambda name: (standing[name], weights[name]))
        standing[chosen] -= total
        self._standings[key] = standing
        if len(self._standings) > _KEPT:
            self._standings.popitem(last=False)
        return chosen


def group_of(config: Mapping[str, Any], key: str, cookies: Mapping[str, str], turns: Turns) -> str | None:
    """The ARN of the target group of a forward action for a request with some cookies."""
    weights = {one["TargetGroupArn"]: int(one["Weight"]) for one in config["TargetGroups"]}
    if config["TargetGroupStickinessConfig"]["Enabled"]:
        before = unpacked(cookies.get(GROUP_COOKIE, ""))
        if weights.get(before, 0) > 0:
            return before
    return turns.choose(key, weights)


def target_of(group: TargetGroup, usable: Sequence[Target], cookies: Mapping[str, str], turns: Turns) -> Target | None:
    """The target of a group for a request with some cookies."""
    by_name = {name_of(one): one for one in usable}
    if group.kind != "lambda" and value(SERVERS, group.attributes, "stickiness.enabled") == "true":
        own = TARGET_COOKIE if value(SERVERS, group.attributes, "stickiness.type") == "lb_cookie" else APP_COOKIE
        if (before := by_name.get(unpacked(cookies.get(own, "")))) is not None:
            return before
    chosen = turns.choose(group.arn, dict.fromkeys(by_name, 1))
    return None if chosen is None else by_name[chosen]


def group_cookies(config: Mapping[str, Any], arn: str, now: float) -> list[tuple[str, str]]:
    """The fields that bind a client to a target group, where the action says so."""
    sticky = config["TargetGroupStickinessConfig"]
    return _cookies(GROUP_COOKIE, arn, now + sticky["DurationSeconds"]) if sticky["Enabled"] else []


def target_cookies(
    group: TargetGroup, target: Target, answered: Sequence[tuple[str, str]], now: float
) -> list[tuple[str, str]]:
    """The fields that bind a client to a target, where its group says so; `answered` are the target's own fields."""
    if group.kind == "lambda" or value(SERVERS, group.attributes, "stickiness.enabled") != "true":
        return []
    if value(SERVERS, group.attributes, "stickiness.type") == "lb_cookie":
        lasting = int(value(SERVERS, group.attributes, "stickiness.lb_cookie.duration_seconds"))
        return _cookies(TARGET_COOKIE, name_of(target), now + lasting)
    name = value(SERVERS, group.attributes, "stickiness.app_cookie.cookie_name")
    if not any(field.lower() == "set-cookie" and content.startswith(f"{name}=") for field, content in answered):
        return []
    lasting = int(value(SERVERS, group.attributes, "stickiness.app_cookie.duration_seconds"))
    return _cookies(APP_COOKIE, name_of(target), now + lasting)[:1]


def cookies_of(fields: Sequence[tuple[str, str]]) -> dict[str, str]:
    """A request's cookies by name."""
    given = (part for name, content in fields if name.lower() == "cookie" for part in content.split(";"))
    return {name.strip(): content.strip() for name, equals, content in (one.partition("=") for one in given) if equals}


def name_of(target: Target) -> str:
    """What tells a target from the others of its group."""
    return f"{target.id}|{target.port or ''}"


def unpacked(content: str) -> str:
    """What a cookie of ours says; nothing where it is none."""
    try:
        return base64.urlsafe_b64decode(content + "=" * (-len(content) % 4)).decode()
    except (ValueError, binascii.Error):
        return ""


def _cookies(name: str, said: str, until: float) -> list[tuple[str, str]]:
    content = base64.urlsafe_b64encode(said.encode()).decode().rstrip("=")
    expires = datetime.fromtimestamp(until, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    own = f"={content}; Expires={expires}; Path=/"
    return [("Set-Cookie", name + own), ("Set-Cookie", f"{name}CORS{own}; SameSite=None; Secure")]
