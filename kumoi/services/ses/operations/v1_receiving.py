"""Receipt rule sets, rules and filters; and `POST /_kumoi/ses-inbound`, by which a mail comes in."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import msgspec
import orjson

from kumoi.doorway import Call, Principal
from kumoi.mailbox import messages
from kumoi.services.ses import ses
from kumoi.services.ses.addresses import BadAddress, checked, in_headers
from kumoi.services.ses.composing import has_controls
from kumoi.services.ses.errors import invalid
from kumoi.services.ses.receipt_records import Active, Filter, RuleSet, active, filters, rule_sets
from kumoi.services.ses.receipt_rules import ACTIONS
from kumoi.services.ses.receiving import receive
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError, aws_error
from kumoi.wire.http import Response

MOST_RULES = 200
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,62}[A-Za-z0-9])?")
_MOST_BYTES = 41_943_040


def _no_set(name: str) -> AwsError:
    return aws_error("RuleSetDoesNotExist", f"Rule set does not exist: {name}", Name=name)


def _no_rule(name: str) -> AwsError:
    return aws_error("RuleDoesNotExist", f"Rule does not exist: {name}", Name=name)


def _taken(what: str, name: str) -> AwsError:
    return aws_error("AlreadyExists", f"{what} already exists: {name}", Name=name)


@transactional
async def _find(tx: Transaction, name: str) -> RuleSet:
    found = await rule_sets.get(tx, name)
    if found is None:
        raise _no_set(name)
    return found


@transactional
async def _create(tx: Transaction, name: str, rules: tuple[dict[str, Any], ...] = ()) -> None:
    if await rule_sets.get(tx, name) is not None:
        raise _taken("Rule set", name)
    await rule_sets.put(tx, RuleSet(name=name, created=tx.now, rules=rules))


def _named(call: Call, name: str) -> str:
    if not _NAME.fullmatch(name):
        raise invalid(call, f"Not a valid name: {name[:100]}")
    return name


@ses.operation
async def create_receipt_rule_set(call: Call, RuleSetName: str) -> None:
    """Make a rule set."""
    await _create(call.state, _named(call, RuleSetName))


@ses.operation
async def clone_receipt_rule_set(call: Call, RuleSetName: str, OriginalRuleSetName: str) -> None:
    """Make a rule set with the rules of another."""
    original = await _find(call.state, OriginalRuleSetName)
    await _create(call.state, _named(call, RuleSetName), original.rules)


@transactional
async def _delete(tx: Transaction, name: str) -> None:
    chosen = await active.get(tx)
    if chosen is not None and chosen.name == name:
        raise aws_error("CannotDelete", f"Cannot delete active rule set: {name}", Name=name)
    await rule_sets.delete(tx, name)


@ses.operation
async def delete_receipt_rule_set(call: Call, RuleSetName: str) -> None:
    """Delete a rule set that is not active; one that is not there is passed over."""
    await _delete(call.state, RuleSetName)


def _metadata(one: RuleSet) -> dict[str, Any]:
    return {"Name": one.name, "CreatedTimestamp": datetime.fromtimestamp(one.created, UTC)}


@ses.operation
async def list_receipt_rule_sets(call: Call, NextToken: str | None = None) -> dict[str, Any]:
    """The rule sets."""
    return {"RuleSets": [_metadata(one) for one in await call.state.run(rule_sets.list)]}


@ses.operation
async def describe_receipt_rule_set(call: Call, RuleSetName: str) -> dict[str, Any]:
    """A rule set and its rules."""
    found = await _find(call.state, RuleSetName)
    return {"Metadata": _metadata(found), "Rules": list(found.rules)}


@transactional
async def _activate(tx: Transaction, name: str | None) -> None:
    if not name:
        await active.delete(tx)
        return
    await _find(tx, name)
    await active.put(tx, Active(name))


@ses.operation
async def set_active_receipt_rule_set(call: Call, RuleSetName: str | None = None) -> None:
    """Have mails that come in go through a rule set; through none without a name."""
    await _activate(call.state, RuleSetName)


@ses.operation
async def describe_active_receipt_rule_set(call: Call) -> dict[str, Any]:
    """The active rule set and its rules."""
    chosen = await call.state.run(active.get)
    return {} if chosen is None else await describe_receipt_rule_set(call, chosen.name)


@transactional
async def _change(tx: Transaction, name: str, changed: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> None:
    found = await _find(tx, name)
    rules = changed(list(found.rules))
    if len(rules) > MOST_RULES:
        raise aws_error("LimitExceeded", f"A rule set can have at most {MOST_RULES} rules.")
    await rule_sets.put(tx, msgspec.structs.replace(found, rules=tuple(rules)))


def _place(rules: list[dict[str, Any]], name: str) -> int:
    for place, rule in enumerate(rules):
        if rule["Name"] == name:
            return place
    raise _no_rule(name)


async def _checked(call: Call, given: dict[str, Any]) -> dict[str, Any]:
    """A rule as it is kept; refused where an action could not be taken."""
    _named(call, given["Name"])
    rule = {"Enabled": False, "TlsPolicy": "Optional", "ScanEnabled": False, **given}
    for action in rule.get("Actions") or ():
        if not action or len(action) != 1 or any(kind not in ACTIONS for kind in action):
            raise invalid(call, f"Kumoi's receipt rules take one of {', '.join(ACTIONS)} in each action.")
        await _check_action(call, *next(iter(action.items())))
    return rule


async def _check_action(call: Call, kind: str, settings: dict[str, Any]) -> None:
    looking = Principal.looking(call.account, "s3" if kind == "S3Action" else "lambda", "ses")
    if kind == "S3Action":
        bucket = settings["BucketName"]
        try:
            await call.to_as(looking, "s3", "HeadBucket", Bucket=bucket)
        except AwsError:
            raise aws_error("InvalidS3Configuration", f"Could not write to bucket: {bucket}", Bucket=bucket) from None
    elif kind == "LambdaAction":
        function = settings["FunctionArn"]
        try:
            await call.to_as(looking, "lambda", "GetFunctionConfiguration", FunctionName=function)
        except AwsError:
            text = f"Could not invoke Lambda function: {function}"
            raise aws_error("InvalidLambdaFunction", text, FunctionArn=function) from None
    elif kind == "AddHeaderAction" and _is_no_header(settings):
        raise invalid(call, "A header to add has control characters or a name that is not ASCII.")
    topic = settings.get("TopicArn")
    if topic and not topic.startswith("arn:"):
        raise aws_error("InvalidSnsTopic", f"Invalid SNS topic: {topic}", Topic=topic)


def _is_no_header(settings: dict[str, str]) -> bool:
    name, value = settings["HeaderName"], settings["HeaderValue"]
    return has_controls(name + value) or not (name + value).isascii() or ":" in name or " " in name


@ses.operation
async def create_receipt_rule(call: Call, RuleSetName: str, Rule: dict[str, Any], After: str | None = None) -> None:
    """Put a rule into a set, behind another, or first."""
    rule = await _checked(call, Rule)

    def added(rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if any(known["Name"] == rule["Name"] for known in rules):
            raise _taken("Rule", rule["Name"])
        rules.insert(0 if not After else _place(rules, After) + 1, rule)
        return rules

    await _change(call.state, RuleSetName, added)


@ses.operation
async def update_receipt_rule(call: Call, RuleSetName: str, Rule: dict[str, Any]) -> None:
    """Replace a rule."""
    rule = await _checked(call, Rule)

    def updated(rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
        rules[_place(rules, rule["Name"])] = rule
        return rules

    await _change(call.state, RuleSetName, updated)


@ses.operation
async def delete_receipt_rule(call: Call, RuleSetName: str, RuleName: str) -> None:
    """Take a rule out of a set; one that is not in it is passed over."""
    await _change(call.state, RuleSetName, lambda rules: [one for one in rules if one["Name"] != RuleName])


@ses.operation
async def describe_receipt_rule(call: Call, RuleSetName: str, RuleName: str) -> dict[str, Any]:
    """A rule."""
    rules = list((await _find(call.state, RuleSetName)).rules)
    return {"Rule": rules[_place(rules, RuleName)]}


@ses.operation
async def set_receipt_rule_position(call: Call, RuleSetName: str, RuleName: str, After: str | None = None) -> None:
    """Move a rule behind another, or to the front."""

    def moved(rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
        rule = rules.pop(_place(rules, RuleName))
        rules.insert(0 if not After else _place(rules, After) + 1, rule)
        return rules

    await _change(call.state, RuleSetName, moved)


@ses.operation
async def reorder_receipt_rule_set(call: Call, RuleSetName: str, RuleNames: list[str]) -> None:
    """Put all rules of a set into an order."""

    def ordered(rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if sorted(RuleNames) != sorted(one["Name"] for one in rules):
            raise invalid(call, "All rules of the rule set have to be named, each once.")
        return [rules[_place(rules, name)] for name in RuleNames]

    await _change(call.state, RuleSetName, ordered)


@transactional
async def _create_filter(tx: Transaction, made: Filter) -> None:
    if await filters.get(tx, made.name) is not None:
        raise _taken("Receipt filter", made.name)
    await filters.put(tx, made)


@ses.operation
async def create_receipt_filter(call: Call, Filter: dict[str, Any]) -> None:
    """Let in senders of an IP range, or keep them out."""
    ip = Filter["IpFilter"]
    try:
        ipaddress.ip_network(ip["Cidr"], strict=False)
    except ValueError:
        raise invalid(call, f"Not a valid IP range: {ip['Cidr'][:100]}") from None
    await _create_filter(call.state, _filter(_named(call, Filter["Name"]), ip))


def _filter(name: str, ip: dict[str, str]) -> Filter:
    return Filter(name=name, policy=ip["Policy"], cidr=ip["Cidr"])


@ses.operation
async def list_receipt_filters(call: Call) -> dict[str, Any]:
    """The filters."""
    known = await call.state.run(filters.list)
    return {"Filters": [{"Name": one.name, "IpFilter": {"Policy": one.policy, "Cidr": one.cidr}} for one in known]}


@ses.operation
async def delete_receipt_filter(call: Call, FilterName: str) -> None:
    """Delete a filter; one that is not there is passed over."""
    await call.state.run(filters.delete, FilterName)


@ses.data_plane("ses-inbound")
async def ses_inbound(call: Call, path: str, attributes: dict[str, str]) -> Response:
    """Answer `POST /_kumoi/ses-inbound?from=…&to=…`: the body is a MIME message that comes in.

    Without `to` it is for those in its headers; `ip` is where it comes from. `account` and `region` say whose rules
    are meant.
    """
    assert call.http is not None, "data planes are reached by requests only"
    if call.http.method != "POST":
        return _json({"error": "use POST"}, 405)
    if call.doorway.identity.enforces and not call.http.local:
        return _json({"error": "with --auth enforce, mails come in from the machine itself"}, 403)
    query = parse_qs(call.http.query)
    raw = await call.http.body.read(_MOST_BYTES)
    head = messages.headers_of(raw)
    try:
        named = query.get("to") or [messages.header(one) for name in ("to", "cc") for one in head.get_all(name) or ()]
        recipients = [one.mailbox for one in in_headers(named)]
        senders = query.get("from") or [messages.header(head.get("from", ""))]
        sender = next((one.mailbox for one in in_headers(senders)), "")
        address = str(ipaddress.ip_address(query.get("ip", ["127.0.0.1"])[-1]))
        place = _placed(call, query)
    except (BadAddress, ValueError) as error:
        return _json({"error": str(error)}, 400)
    if not recipients or not sender:
        return _json({"error": "a mail has a sender and recipients: `from` and `to`, or headers"}, 400)
    try:
        return _json(await receive(place, raw, checked(sender), recipients, address), 200)
    except AwsError as error:
        return _json({"error": error.message}, error.default_status)


def _placed(call: Call, query: dict[str, list[str]]) -> Call:
    """The call in the account and region that are meant."""
    account = query.get("account", [call.account])[-1]
    if not (account.isascii() and account.isdecimal() and len(account) == 12):
        raise ValueError("account is a number of twelve digits")
    if call.doorway.identity.enforces and account != call.account:
        raise ValueError("the rules of another account cannot be used")
    region = query.get("region", [call.region])[-1]
    if not re.fullmatch(r"[a-z0-9-]{1,32}", region):
        raise ValueError("region is the name of a region")
    return msgspec.structs.replace(call, account=account, region=region)


def _json(content: Any, status: int) -> Response:
    return Response(status, [("Content-Type", "application/json")], orjson.dumps(content))
