"""Which of a request's headers, cookies and query parameters a policy chooses; and the legacy ForwardedValues as such.

A choice is one of: none, these, all but these, all. Names of headers ignore case; those of cookies and parameters
count as written. Source: "Understand cache policies", "Understand origin request policies" of the guide.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kumoi.policy.patterns import expression
from kumoi.services.cloudfront.configuration.reading import items


@dataclass(frozen=True, slots=True)
class Choice:
    """Some names: `names` alone, or (`others`) all but those. `pattern` holds the wildcards of legacy cookies."""

    names: frozenset[str] = frozenset()
    others: bool = False
    pattern: re.Pattern[str] | None = None

    def takes(self, name: str) -> bool:
        """Whether a name is chosen."""
        return (name in self.names or (self.pattern is not None and self.pattern.fullmatch(name) is not None)) != (
            self.others
        )

    @property
    def nothing(self) -> bool:
        """Whether no name can be chosen."""
        return not self.names and not self.others and self.pattern is None


NOTHING = Choice()
ALL = Choice(others=True)


@dataclass(frozen=True, slots=True)
class Selection:
    """What a policy chooses. `cloudfront` names CloudFront-… headers that are wanted beside the viewer's own."""

    headers: Choice = NOTHING
    cookies: Choice = NOTHING
    query: Choice = NOTHING
    cloudfront: frozenset[str] = frozenset()


def of_policy(parameters: Mapping[str, Any]) -> Selection:
    """A cache policy's parameters, or an origin request policy."""
    headers = parameters["HeadersConfig"]
    behaviour = headers["HeaderBehavior"]
    names = frozenset(name.lower() for name in items(headers.get("Headers")))
    own = frozenset(name for name in names if name.startswith("cloudfront-"))
    chosen = {
        "none": NOTHING,
        "whitelist": Choice(names),
        "allViewer": ALL,
        "allViewerAndWhitelistCloudFront": ALL,
        "allExcept": Choice(names, others=True),
    }[behaviour]
    return Selection(
        chosen,
        _choice(parameters["CookiesConfig"], "CookieBehavior", "Cookies"),
        _choice(parameters["QueryStringsConfig"], "QueryStringBehavior", "QueryStrings"),
        own if behaviour in ("whitelist", "allViewerAndWhitelistCloudFront") else frozenset(),
    )


def _choice(section: Mapping[str, Any], behaviour: str, member: str) -> Choice:
    names = frozenset(items(section.get(member)))
    return {
        "none": NOTHING,
        "whitelist": Choice(names),
        "allExcept": Choice(names, others=True),
        "all": ALL,
    }[section[behaviour]]


def of_forwarded_values(values: Mapping[str, Any]) -> tuple[Selection, Selection]:
    """(what is keyed, what is forwarded) by legacy settings."""
    names = frozenset(name.lower() for name in items(values.get("Headers")))
    headers = ALL if "*" in names else Choice(names)
    cookies = _legacy_cookies(values["Cookies"])
    keys = items(values.get("QueryStringCacheKeys"))
    forwarded = ALL if values["QueryString"] else NOTHING
    keyed = Choice(frozenset(keys)) if keys and values["QueryString"] else forwarded
    own = frozenset(name for name in names if name.startswith("cloudfront-"))
    return Selection(headers, cookies, keyed, own), Selection(headers, cookies, forwarded, own)


def _legacy_cookies(section: Mapping[str, Any]) -> Choice:
    if section["Forward"] == "all":
        return ALL
    if section["Forward"] == "none":
        return NOTHING
    names = items(section.get("WhitelistedNames"))
    wild = [name for name in names if re.search(r"[*?]", name)]
    pattern = "|".join(map(expression, wild))
    return Choice(frozenset(names) - frozenset(wild), pattern=re.compile(pattern) if wild else None)
