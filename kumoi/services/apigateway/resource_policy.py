"""An API's resource policy: who may invoke it from where, together with what the method's authorization says.

Source: "Control access to a REST API with API Gateway resource policies" and its tables of how both are weighed.
"""

from __future__ import annotations

from typing import Any

import orjson

from kumoi.names import arn
from kumoi.policy import Caller, Policy, PolicyError, Request, compile_policy
from kumoi.services.apigateway.errors import bad
from kumoi.services.apigateway.exchange import Exchange
from kumoi.services.apigateway.gateway_responses import Refused

_SHORT = "execute-api:/"


def check_policy(text: str) -> None:
    """Raise BadRequestException for what is no resource policy."""
    try:
        compile_policy(_expanded(text, "arn:aws:execute-api:us-east-1:000000000000:api/"), "resource")
    except (PolicyError, orjson.JSONDecodeError, RecursionError) as error:
        raise bad(
            f"Invalid policy document. Please check the policy syntax and ensure that Principals are valid. ({error})"
        ) from None


def compiled_policy(text: str, region: str, account: str, api: str) -> Policy:
    """A policy that was checked, ready for use; `execute-api:/…` stands for the API's own ARNs."""
    return compile_policy(_expanded(text, arn("execute-api", region, account, f"{api}/")), "resource")


def check_invocation(exchange: Exchange, policy: Policy, authorization: str) -> None:
    """Let a request pass that the policy allows; raises Refused.

    A deny always counts. An allow is needed where nobody else says who may: without authorization, and beside user
    pools; IAM and functions say it themselves.
    """
    request = _request(exchange)
    denied = policy.says(request, "Deny") is not None
    if not denied and (authorization in ("AWS_IAM", "CUSTOM") or policy.says(request, "Allow") is not None):
        return
    caller = exchange.call.caller
    who = "anonymous" if caller.access_key is None else caller.arn
    resource = exchange.method_arn.replace(exchange.call.account, "*" * 8 + exchange.call.account[-4:], 1)
    explicit = " with an explicit deny" if denied else ""
    raise Refused(
        "ACCESS_DENIED",
        "the API's resource policy denies it" if denied else "the API's resource policy does not allow it",
        message=f"User: {who} is not authorized to perform: execute-api:Invoke on resource: {resource}{explicit}",
        member="Message",
    )


def _request(exchange: Exchange) -> Request:
    principal = exchange.call.caller
    if principal.access_key is None:
        caller = Caller("anonymous")
    else:
        role = principal.arn.replace(":sts:", ":iam:").replace(":assumed-role/", ":role/").rpartition("/")[0]
        caller = Caller(principal.account, principal.arn, role if ":assumed-role/" in principal.arn else "")
    incoming = exchange.incoming
    context = {
        "aws:sourceip": [incoming.source],
        "aws:useragent": [incoming.user_agent],
        "aws:referer": [incoming.headers.get("referer", "")],
        "aws:securetransport": ["true" if incoming.headers.get("x-forwarded-proto") == "https" else "false"],
    }
    return Request(caller, "execute-api:Invoke", exchange.method_arn, context)


def _expanded(text: str, prefix: str) -> str:
    document: Any = orjson.loads(text)

    def full(value: Any) -> Any:
        if isinstance(value, list):
            return [full(one) for one in value]
        if isinstance(value, str) and value.startswith(_SHORT):
            return prefix + value[len(_SHORT) :]
        return value

    statements = document.get("Statement") if isinstance(document, dict) else None
    for statement in statements if isinstance(statements, list) else [statements]:
        if isinstance(statement, dict):
            for member in ("Resource", "NotResource"):
                if member in statement:
                    statement[member] = full(statement[member])
    return orjson.dumps(document).decode()
