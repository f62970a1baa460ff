"""What SES stores of receiving mails: rule sets with their rules in order, which is active, filters of IP addresses."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.state.space import Space


class RuleSet(msgspec.Struct, frozen=True, kw_only=True):
    """A receipt rule set; `rules` are as the API has them."""

    name: str
    created: float
    rules: tuple[dict[str, Any], ...] = ()


class Active(msgspec.Struct, frozen=True):
    """Which rule set is active."""

    name: str


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """A filter: whether senders of an IP range are let in (`Allow`, `Block`)."""

    name: str
    policy: str
    cidr: str


rule_sets: Space[RuleSet] = Space("ses.rule-set", RuleSet, lambda one: (one.name,))
active: Space[Active] = Space("ses.active-rule-set", Active, lambda _: ())
filters: Space[Filter] = Space("ses.receipt-filter", Filter, lambda one: (one.name,))
