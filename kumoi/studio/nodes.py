"""Nodes of the map by name: `service:resource`, from ARNs, queue URLs and hops.

A table's stream is the table; a function's alias or version is the function.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import urlsplit

_SERVICES = {
    "states": "stepfunctions",
    "execute-api": "apigatewayv2",
    "elasticloadbalancing": "elbv2",
    "dynamodbstreams": "dynamodb",
    "s3express": "s3",
}
_QUEUE = re.compile(r"/[0-9]{12}/(?P<name>[A-Za-z0-9_.-]{1,80})")
_WRAPPED = re.compile(r"functions/(arn:[^/]+)/invocations")

TRAFFIC = re.compile(
    r"(Invoke|Start(Sync)?Execution|Send|Receive|Publish|PutEvents|PutRecord|PutItem|GetItem|UpdateItem|DeleteItem|Batch"
    r"|Query|Scan|Transact|Execute|(Get|Put|Head|Copy|Delete|List|Upload|Select|Restore)\w*(Object|Part|Multipart)"
    r"|CreateMultipart|CompleteMultipart|GetRecords|GetParameter|GetSecretValue|DeleteMessage|ChangeMessage"
    r"|PostToConnection|GetThingShadow|UpdateThingShadow|InitiateAuth|RespondToAuth|SignUp|ConfirmSignUp|Encrypt"
    r"|Decrypt|GenerateDataKey|CreateDatasetContent|RunPipelineActivity|GetMedia|AssumeRole)"
)
"""What belongs to an application's work; the rest sets things up or looks at them."""

_CONFIGURES = re.compile(r"(Configuration|Policy|Acl|Attributes|Tagging|Concurrency|Url|Config|Versions?)$")


@lru_cache(4096)
def node_of(value: str) -> str:
    """The node that an ARN, or a queue's URL, names; an empty string where it names none."""
    if value.startswith("arn:"):
        parts = value.split(":", 5)
        if len(parts) < 6:
            return ""
        if parts[2] == "apigateway" and (wrapped := _WRAPPED.search(value)):
            return node_of(wrapped[1])
        service = _SERVICES.get(parts[2], parts[2])
        return _of_arn(service, parts[5])
    if value.startswith(("http://", "https://")):
        found = _QUEUE.fullmatch(urlsplit(value).path)
        return f"sqs:{found['name']}" if found else ""
    return ""


def _of_arn(service: str, resource: str) -> str:
    pieces = re.split("[:/]", resource)
    match service:
        case "lambda":
            return f"lambda:{pieces[1]}" if pieces[0] == "function" and len(pieces) > 1 else ""
        case "dynamodb":
            return f"dynamodb:{pieces[1]}" if pieces[0] == "table" and len(pieces) > 1 else ""
        case "s3" | "sqs":
            return f"{service}:{pieces[0]}" if pieces[0] else ""
        case "sns":
            return f"sns:{pieces[0]}" if pieces[0] else ""
        case "events":
            return f"events:{pieces[1]}" if pieces[0] in ("event-bus", "rule") and len(pieces) > 1 else ""
        case "stepfunctions":
            known = pieces[0] in ("stateMachine", "execution", "express", "activity")
            return f"stepfunctions:{pieces[1]}" if known and len(pieces) > 1 else ""
        case "apigatewayv2":
            return f"apigatewayv2:{pieces[0]}"
    last = pieces[-1]
    return f"{service}:{last}" if last and last != "*" else ""


@lru_cache(8192)
def settled(node: str) -> str:
    """A hop's end as a node of the map."""
    service, _, name = node.partition(":")
    if service == "dynamodbstreams":
        return f"dynamodb:{name}" if name else ""
    if service == "sesv2":
        return f"ses:{name}" if name else "ses"
    if node == "events":
        return "events:default"
    if service == "lambda" and name:
        return f"lambda:{name.split(':')[0]}"
    return node


@lru_cache(4096)
def is_traffic(service: str, operation: str, data_plane: bool) -> bool:
    """Whether an operation is an application's work, rather than setting it up or looking at it."""
    if data_plane or service == "rds-data":
        return True
    return bool(TRAFFIC.match(operation)) and not _CONFIGURES.search(operation)


def placed(source: str) -> bool:
    """Whether a call comes from something that stands on the map."""
    return ":" in source or source in ("client", "studio")
