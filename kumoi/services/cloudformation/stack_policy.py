"""Stack policies: which updates of which resources are allowed. Without one all are; with one those it allows.

Source: "Prevent updates to stack resources" of the user guide. The language is IAM's, evaluated by `kumoi.policy`: a
resource's `LogicalResourceId/Name` takes the place of an ARN, `ResourceType` that of a context key.
"""

from __future__ import annotations

from typing import Any

import orjson

from kumoi.policy import Caller, Policy, PolicyError, Request, compile_policy
from kumoi.wire.errors import AwsError, aws_error

LONGEST = 16_384


def read_policy(text: str) -> Policy:
    """A policy from its JSON; ValidationError for what is none."""
    if len(text) > LONGEST:
        raise _error(f"Stack policy is longer than {LONGEST} bytes")
    try:
        document = orjson.loads(text)
        statements = document["Statement"]
        for one in statements if isinstance(statements, list) else [statements]:
            for member in ("Resource", "NotResource"):
                if member in one:
                    one[member] = _as_arns(one[member])
        return compile_policy(orjson.dumps(document).decode(), "resource")
    except PolicyError as error:
        raise _error(f"Error validating stack policy: {error}") from None
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        raise _error("Error validating stack policy: Invalid stack policy") from None


def _as_arns(stated: Any) -> list[str]:
    resources = stated if isinstance(stated, list) else [stated]
    if not all(isinstance(one, str) and (one == "*" or one.startswith("LogicalResourceId/")) for one in resources):
        raise PolicyError("Resource must be * or LogicalResourceId/NAME")
    return [one if one == "*" else f"arn:{one}" for one in resources]


def check_policy(text: str | None, action: str, name: str, kind: str) -> None:
    """Refuse an update (Update:Modify, Update:Replace, Update:Delete) that a policy denies, or does not allow."""
    if text is None:
        return
    policy = read_policy(text)
    context = {"resourcetype": [kind]}
    request = Request(Caller("", "*"), action, f"arn:LogicalResourceId/{name}", context)
    if policy.says(request, "Deny") is not None:
        raise _error(f"Action denied by stack policy: a statement denies [{action}] for [LogicalResourceId/{name}]")
    if policy.says(request, "Allow") is None:
        raise _error(f"Action not allowed by stack policy: none allows [{action}] for [LogicalResourceId/{name}]")


def _error(text: str) -> AwsError:
    return aws_error("ValidationError", text)
