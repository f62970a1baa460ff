"""From a policy's JSON to statements, refusing what is no policy in IAM's words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal

import orjson

from kumoi.policy.conditions import Condition, UnknownOperator, compile_condition
from kumoi.policy.patterns import any_action, any_of
from kumoi.policy.statements import Policy, Principals, Statement

Kind = Literal["identity", "resource", "trust"]

VERSIONS = ("2008-10-17", "2012-10-17")
_ACTION = re.compile(r"\*|[A-Za-z0-9-]+:[A-Za-z0-9*?_-]*")
_ELEMENTS = frozenset(
    ("Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Principal", "NotPrincipal", "Condition")
)


class PolicyError(ValueError):
    """A document that is no policy; the text is IAM's message."""


@lru_cache(2048)
def compile_policy(text: str, kind: Kind = "identity", name: str = "") -> Policy:
    """Compile a policy given as JSON; PolicyError tells what is wrong. `kind` says which elements it must have.

    Policies of the old version know no variables: `${aws:username}` stands for itself in them.
    """
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise PolicyError("This policy contains invalid Json") from None
    if not isinstance(document, dict) or "Statement" not in document:
        raise PolicyError("Syntax errors in policy.")
    if document.get("Version", VERSIONS[0]) not in VERSIONS or document.keys() - {"Version", "Id", "Statement"}:
        raise PolicyError("Syntax errors in policy.")
    given = document["Statement"]
    statements = given if isinstance(given, list) else [given]
    sids = [one["Sid"] for one in statements if isinstance(one, dict) and one.get("Sid")]
    if len({str(sid) for sid in sids}) < len(sids):
        raise PolicyError("Statement IDs (SID) in a single policy must be unique.")
    variables = document.get("Version") == VERSIONS[1]
    return Policy(tuple(_statement(one, kind, variables) for one in statements), name)


def _statement(given: Any, kind: Kind, variables: bool) -> Statement:
    if not isinstance(given, dict) or given.keys() - _ELEMENTS:
        raise PolicyError("Syntax errors in policy.")
    if given.get("Effect") not in ("Allow", "Deny"):
        raise PolicyError("Syntax errors in policy.")
    sid = given.get("Sid", "")
    if not isinstance(sid, str):
        raise PolicyError("Syntax errors in policy.")
    actions, other_actions = _either(given, "Action", "NotAction")
    if actions is None:
        raise PolicyError("Policy statement must contain actions.")
    for action in actions:
        if not _ACTION.fullmatch(action):
            raise PolicyError("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
    resources, other_resources = _either(given, "Resource", "NotResource")
    if kind == "trust":
        if resources is not None:
            raise PolicyError("Has prohibited field Resource")
    elif resources is None:
        raise PolicyError("Policy statement must contain resources.")
    for resource in resources or ():
        if resource != "*" and not resource.startswith(("arn:", "*", "${")):
            raise PolicyError(f'Resource {resource} must be in ARN format or "*".')
    principals, other_principals = _principals(given, kind)
    return Statement(
        sid,
        given["Effect"],
        any_action(actions),
        other_actions,
        None if resources is None else any_of(resources, variables=variables),
        other_resources,
        principals,
        other_principals,
        _conditions(given.get("Condition", {}), variables),
    )


def _either(given: Mapping[str, Any], name: str, negated: str) -> tuple[list[str] | None, bool]:
    """The values of an element or of its negation, and whether it was the negation."""
    if name in given and negated in given:
        raise PolicyError("Syntax errors in policy.")
    for element in (name, negated):
        if element in given:
            return _texts(given[element]), element == negated
    return None, False


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(one, str) for one in values):
        raise PolicyError("Syntax errors in policy.")
    return values


def _principals(given: Mapping[str, Any], kind: Kind) -> tuple[Principals | None, bool]:
    if "Principal" in given and "NotPrincipal" in given:
        raise PolicyError("Syntax errors in policy.")
    element = next((name for name in ("Principal", "NotPrincipal") if name in given), None)
    if kind == "identity":
        if element is not None:
            raise PolicyError("Policy document should not specify a principal.")
        return None, False
    if element is None:
        raise PolicyError("Missing required field Principal")
    value = given[element]
    if value == "*":
        return Principals(everybody=True), element == "NotPrincipal"
    if not isinstance(value, dict) or not value or value.keys() - {"AWS", "Service", "Federated", "CanonicalUser"}:
        raise PolicyError("Invalid principal in policy")
    by_kind = {name: frozenset(_texts(one)) for name, one in value.items()}
    aws = by_kind.get("AWS", frozenset()) | by_kind.get("CanonicalUser", frozenset())
    return (
        Principals(
            everybody="*" in aws,
            aws=aws,
            services=by_kind.get("Service", frozenset()),
            federated=by_kind.get("Federated", frozenset()),
        ),
        element == "NotPrincipal",
    )


def _conditions(given: Any, variables: bool) -> tuple[Condition, ...]:
    if not isinstance(given, dict):
        raise PolicyError("Syntax errors in policy.")
    found: list[Condition] = []
    for operator, keys in given.items():
        if not isinstance(keys, dict):
            raise PolicyError("Syntax errors in policy.")
        for key, values in keys.items():
            try:
                found.append(compile_condition(operator, key, _values(values), variables=variables))
            except UnknownOperator:
                raise PolicyError(f"Invalid Condition type : {operator}.") from None
    return tuple(found)


def _values(value: Any) -> Sequence[str]:
    """Condition values as texts: JSON booleans and numbers are taken, too."""
    values = value if isinstance(value, list) else [value]
    texts = []
    for one in values:
        if isinstance(one, bool):
            texts.append("true" if one else "false")
        elif isinstance(one, str | int | float):
            texts.append(str(one))
        else:
            raise PolicyError("Syntax errors in policy.")
    return texts
