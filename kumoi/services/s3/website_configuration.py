"""What a website configuration may say; pure.

Rules: PutBucketWebsite in the S3 API reference, and recorded errors of the service.
"""

from __future__ import annotations

from typing import Any

from kumoi.wire.errors import AwsError, aws_error
from kumoi.wire.xml_shapes import malformed

MAX_RULES = 50


def _invalid(text: str, code: str = "InvalidArgument") -> AwsError:
    return aws_error(code, text)


def checked(content: dict[str, Any]) -> dict[str, Any]:
    """A WebsiteConfiguration that may be stored; raises InvalidArgument, InvalidRequest or MalformedXML."""
    redirect_all, index = content.get("RedirectAllRequestsTo"), content.get("IndexDocument")
    if redirect_all is not None:
        if len([name for name in content if content[name] is not None]) > 1:
            raise _invalid("RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules.")
        _check_protocol(redirect_all.get("Protocol"))
        return content
    if index is None:
        raise _invalid("A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty")
    if not index["Suffix"] or "/" in index["Suffix"]:
        raise _invalid("The IndexDocument Suffix is not well formed")
    if content.get("ErrorDocument") is not None and not content["ErrorDocument"]["Key"]:
        raise malformed()
    rules = content.get("RoutingRules") or []
    if len(rules) > MAX_RULES:
        raise _invalid(f"{MAX_RULES} routing rules are allowed at most.", "InvalidRequest")
    for rule in rules:
        _check_rule(rule)
    return content


def _check_rule(rule: dict[str, Any]) -> None:
    redirect, condition = rule["Redirect"], rule.get("Condition")
    if not redirect:
        raise malformed()
    _check_protocol(redirect.get("Protocol"))
    if redirect.get("ReplaceKeyWith") is not None and redirect.get("ReplaceKeyPrefixWith") is not None:
        raise _invalid("You can only define ReplaceKeyPrefix or ReplaceKey but not both.", "InvalidRequest")
    code = redirect.get("HttpRedirectCode")
    if code is not None and not (code.isascii() and code.isdigit() and 300 < int(code) < 400):
        raise _invalid(
            f"The provided HTTP redirect code ({code}) is not valid. Valid codes are 3XX except 300.", "InvalidRequest"
        )
    if condition is not None:
        if not condition:
            raise _invalid(
                "Condition cannot be empty. To redirect all requests without a condition, the condition element"
                " shouldn't be present.",
                "InvalidRequest",
            )
        status = condition.get("HttpErrorCodeReturnedEquals")
        if status is not None and not (status.isascii() and status.isdigit() and 400 <= int(status) < 600):
            raise _invalid(
                f"The provided HTTP error code ({status}) is not valid. Valid codes are 4XX or 5XX.", "InvalidRequest"
            )


def _check_protocol(protocol: str | None) -> None:
    if protocol not in (None, "http", "https"):
        raise _invalid(
            "Invalid protocol, protocol can be http or https. If not defined the protocol will be selected"
            " automatically.",
            "InvalidRequest",
        )
