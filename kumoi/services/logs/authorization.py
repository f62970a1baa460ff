"""Which permissions the calls of CloudWatch Logs need: on a group, or on a stream of one.

Source: "Actions, resources, and condition keys for Amazon CloudWatch Logs" of the service authorization reference.
"""

from __future__ import annotations

from collections.abc import Iterator

from kumoi.doorway import Ask, Authorization, Call
from kumoi.doorway.authorization import everything, pass_role
from kumoi.services.logs.rules import group_arn, group_name


def group(call: Call) -> str:
    """The group that a call names, as policies write it: all that lies below its ARN. A destination is just its ARN."""
    params = call.params
    named = params.get("logGroupName") or params.get("logGroupIdentifier") or params.get("resourceArn")
    if named is not None and ":destination:" in str(named):
        return str(named)
    return "*" if named is None else f"{_arn(call, str(named))}:*"


def stream(call: Call) -> str:
    """The stream of a group that a call names."""
    params = call.params
    named = str(params.get("logGroupName") or params.get("logGroupIdentifier") or "")
    return f"{_arn(call, named)}:log-stream:{params.get('logStreamName', '')}"


def function_logs(call: Call) -> Iterator[Ask]:
    """What a function's environments do for their log lines: make the streams, write to them."""
    named = group_arn(call.account, call.region, str(call.params.get("logGroupName", "")))
    yield Ask("logs:CreateLogStream", f"{named}:*")
    for stream in call.params.get("logStreams") or (call.params.get("logStreamName", ""),):
        yield Ask("logs:PutLogEvents", f"{named}:log-stream:{stream}")


def _arn(call: Call, named: str) -> str:
    """The ARN of the group that is meant: of an ARN only the group's name is heeded. Other ARNs are as they stand."""
    name = group_name(named)
    return name.removesuffix(":*") if name.startswith("arn:") else group_arn(call.account, call.region, name)


def queried(call: Call) -> Iterator[str]:
    """The groups that a query reads: those the request names, those its text does (`SOURCE`, also within it)."""
    params = call.params
    named = [params.get("logGroupName"), *(params.get("logGroupNames") or ())]
    named += params.get("logGroupIdentifiers") or ()
    found = [f"{_arn(call, str(one))}:*" for one in named if one is not None]
    text = params.get("queryString")
    if isinstance(text, str) and "source" in text.lower():
        found += _sources(call, text)
    yield from dict.fromkeys(found or ["*"])


def _sources(call: Call, text: str) -> Iterator[str]:
    """The groups that a query names; what is no query is refused by the operation itself."""
    from kumoi.insights.parsing import parse
    from kumoi.insights.syntax import Malformed

    try:
        query = parse(text)
    except Malformed:
        return
    for one in query.all():
        if one.source is not None:
            if one.source.every:
                yield "*"
            yield from (f"{_arn(call, name)}:*" for name in one.source.groups)


def read(call: Call) -> Iterator[Ask]:
    """Reading events, and seeing them without masks."""
    yield Ask(f"logs:{call.operation}", stream(call) if call.operation == "GetLogEvents" else group(call))
    if call.params.get("unmask"):
        yield Ask("logs:Unmask", group(call))


def query(call: Call) -> Iterator[Ask]:
    """Asking the groups that a query reads, and seeing events without masks where it says so."""
    text = call.params.get("queryString")
    for one in queried(call):
        yield Ask("logs:StartQuery", one)
        if isinstance(text, str) and "unmask" in text.lower():
            yield Ask("logs:Unmask", one)


def account_policy(call: Call) -> Iterator[Ask]:
    """An account's policy: what it says and whom it is about are two permissions."""
    yield Ask(f"logs:{call.operation}", "*")
    if call.operation != "DescribeAccountPolicies":
        yield Ask(f"logs:{call.operation.replace('Account', 'DataProtection')}", "*")


def lookup_table(call: Call) -> str:
    """The lookup table that a call names."""
    named = call.params.get("lookupTableArn")
    return str(named) if named else call.arn("logs", f"lookup-table:{call.params.get('lookupTableName') or '*'}")


def subscribed(call: Call) -> Iterator[Ask]:
    """Putting a subscription filter: on the group, and handing on the role."""
    yield Ask("logs:PutSubscriptionFilter", group(call))
    yield from pass_role(call, call.params.get("roleArn"), "logs.amazonaws.com")


def destination(call: Call) -> str:
    """The destination that a call names."""
    return call.arn("logs", f"destination:{call.params.get('destinationName') or '*'}")


def destination_with_role(call: Call) -> Iterator[Ask]:
    """Putting a destination, and handing on its role."""
    yield Ask("logs:PutDestination", destination(call))
    yield from pass_role(call, call.params.get("roleArn"), "logs.amazonaws.com")


AUTHORIZATION = Authorization(
    "logs",
    resource=group,
    resources={
        "CreateLookupTable": lookup_table,
        "DeleteDestination": destination,
        "DeleteLookupTable": lookup_table,
        "DescribeLookupTables": lookup_table,
        "GetLookupTable": lookup_table,
        "UpdateLookupTable": lookup_table,
        "PutDestinationPolicy": destination,
        "DescribeFieldIndexes": queried,
        "DescribeIndexPolicies": queried,
        "StartLiveTail": queried,
        "DeleteLogStream": stream,
        "DescribeLogGroups": lambda call: call.arn("logs", "log-group:*"),
        "PutLogEvents": stream,
        "TestMetricFilter": everything,
    },
    asks={
        "DeleteAccountPolicy": account_policy,
        "DescribeAccountPolicies": account_policy,
        "FilterLogEvents": read,
        "GetLogEvents": read,
        "GetLogRecord": read,
        "PutAccountPolicy": account_policy,
        "PutDestination": destination_with_role,
        "PutSubscriptionFilter": subscribed,
        "StartQuery": query,
        "WriteFunctionLogs": function_logs,
    },
)
