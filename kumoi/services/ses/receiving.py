"""Receiving a mail: the rules of the active set that it meets, and their actions, one after the other."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec
import orjson

from kumoi import mailbox
from kumoi.doorway import Call, Principal
from kumoi.mailbox import Letter, messages
from kumoi.names import Arn, arn
from kumoi.services.ses.publisher import SERVICE
from kumoi.services.ses.receipt_records import Filter, RuleSet, active, filters, rule_sets
from kumoi.services.ses.receipt_rules import SUBJECT, inbound_id, let_in, mail, met, receipt
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

Goes = Literal["on", "to the next rule", "nowhere"]
_MOST_TOLD = 153_600
"""Bytes of a message that an SNS action tells whole; larger ones bounce at AWS."""


class _Inbound(msgspec.Struct, frozen=True, kw_only=True):
    """A mail under way through a rule."""

    id: str
    raw: bytes
    sender: str
    recipients: tuple[str, ...]
    rule: dict[str, Any]
    principal: Principal
    time: float

    def told(self, action: dict[str, Any]) -> dict[str, Any]:
        """What is told of it, to whom an action leads."""
        found = receipt(self.raw, self.rule, self.recipients, self.time)
        return {
            "mail": mail(self.raw, self.id, self.sender, self.recipients, self.time),
            "receipt": {**found, "action": action},
        }


@transactional
async def _current(tx: Transaction) -> tuple[RuleSet | None, list[Filter]]:
    chosen = await active.get(tx)
    found = None if chosen is None else await rule_sets.get(tx, chosen.name)
    return found, await filters.list(tx)


async def receive(call: Call, raw: bytes, sender: str, recipients: Sequence[str], address: str) -> dict[str, Any]:
    """Have a mail that came in from an IP address go through the active rule set; its id, and the rules it met."""
    rules, known = await _current(call.state)
    if not let_in(known, address):
        raise aws_error("Rejected", f"550 5.7.1 Mail from {address} is blocked by a receipt filter.", status=422)
    if rules is None:
        raise aws_error("Rejected", "550 5.1.1 There is no active receipt rule set.", status=422)
    identifier, names = inbound_id(), []
    for rule, matched in met(rules.rules, recipients):
        names.append(rule["Name"])
        source_arn = arn("ses", call.region, call.account, f"receipt-rule-set/{rules.name}:receipt-rule/{rule['Name']}")
        one = _Inbound(
            id=identifier,
            raw=raw,
            sender=sender,
            recipients=tuple(matched),
            rule=dict(rule),
            principal=Principal.of_service(call.account, SERVICE, f"ses:{rule['Name']}", source_arn),
            time=call.now,
        )
        if await _apply(call, one) == "nowhere":
            break
    if not names:
        raise aws_error("Rejected", "550 5.1.1 No receipt rule is for any of the recipients.", status=422)
    return {"messageId": identifier, "rules": names}


async def _apply(call: Call, one: _Inbound) -> Goes:
    for action in one.rule.get("Actions") or ():
        for kind, settings in action.items():
            if kind == "AddHeaderAction":
                header = f"{settings['HeaderName']}: {settings['HeaderValue']}\n".encode()
                one = msgspec.structs.replace(one, raw=header + one.raw)
                continue
            goes = await _ACTIONS[kind](call, one, settings)
            if goes != "on":
                return goes
    return "on"


async def _store(call: Call, one: _Inbound, settings: Mapping[str, Any]) -> Goes:
    key = f"{settings.get('ObjectKeyPrefix') or ''}{one.id}"
    await call.to_as(one.principal, "s3", "PutObject", Bucket=settings["BucketName"], Key=key, Body=one.raw)
    action = {
        "type": "S3",
        "bucketName": settings["BucketName"],
        "objectKeyPrefix": settings.get("ObjectKeyPrefix") or "",
        "objectKey": key,
    }
    await _notify(call, one, settings, action)
    return "on"


async def _notify(call: Call, one: _Inbound, settings: Mapping[str, Any], action: dict[str, Any], **more: str) -> None:
    """Tell a topic of a mail, where an action has one."""
    topic = settings.get("TopicArn")
    if topic:
        told = {"notificationType": "Received", **one.told({**action, "topicArn": topic}), **more}
        message = {"TopicArn": topic, "Subject": SUBJECT, "Message": orjson.dumps(told).decode()}
        await call.doorway.ask("sns", "Publish", message, one.principal, Arn.parse(topic).region)


async def _publish(call: Call, one: _Inbound, settings: Mapping[str, Any]) -> Goes:
    if len(one.raw) > _MOST_TOLD:
        await _bounce(call, one, {"SmtpReplyCode": "552", "Message": "Message is too large for its topic."})
        return "on"
    encoding = settings.get("Encoding") or "UTF-8"
    content = base64.b64encode(one.raw).decode() if encoding == "Base64" else one.raw.decode("utf-8", "replace")
    await _notify(call, one, settings, {"type": "SNS", "encoding": encoding.upper()}, content=content)
    return "on"


async def _invoke(call: Call, one: _Inbound, settings: Mapping[str, Any]) -> Goes:
    function, invocation = settings["FunctionArn"], settings.get("InvocationType") or "Event"
    told = one.told({"type": "Lambda", "functionArn": function, "invocationType": invocation})
    event = {"Records": [{"eventSource": "aws:ses", "eventVersion": "1.0", "ses": told}]}
    params = {"FunctionName": function, "InvocationType": invocation, "Payload": orjson.dumps(event)}
    answer = await call.doorway.ask("lambda", "Invoke", params, one.principal, Arn.parse(function).region)
    await _notify(call, one, settings, {"type": "Lambda", "functionArn": function, "invocationType": invocation})
    if invocation != "RequestResponse" or answer.get("FunctionError"):
        return "on"
    payload = answer.get("Payload")
    try:
        wanted = orjson.loads(payload) if isinstance(payload, bytes | str) else None
    except orjson.JSONDecodeError:
        wanted = None
    disposition = str(wanted.get("disposition", "")).upper() if isinstance(wanted, dict) else ""
    return _DISPOSITIONS.get(disposition, "on")


_DISPOSITIONS: dict[str, Goes] = {"STOP_RULE": "to the next rule", "STOP_RULE_SET": "nowhere"}


async def _bounce(call: Call, one: _Inbound, settings: Mapping[str, Any]) -> Goes:
    """A bounce to the sender: into the mailbox."""
    subject = messages.header(messages.headers_of(one.raw).get("subject", ""))
    recipients = ", ".join(one.recipients)
    letter = Letter(
        id=inbound_id(),
        time=one.time,
        service="ses",
        region=call.region,
        protocol="email",
        sender=str(settings.get("Sender") or f"MAILER-DAEMON@{call.region}.amazonses.com"),
        to=(one.sender,),
        subject=f"Delivery Status Notification (Failure): {subject}",
        text=f"{recipients}: {settings['SmtpReplyCode']} {settings.get('StatusCode') or ''} {settings['Message']}",
        cause=str(one.rule["Name"]),
    )
    await mailbox.keep(call.state, letter)
    await _notify(call, one, settings, {"type": "Bounce", "smtpReplyCode": settings["SmtpReplyCode"]})
    return "on"


async def _stop(call: Call, one: _Inbound, settings: Mapping[str, Any]) -> Goes:
    await _notify(call, one, settings, {"type": "Stop"})
    return "nowhere"


_ACTIONS = {
    "BounceAction": _bounce,
    "LambdaAction": _invoke,
    "S3Action": _store,
    "SNSAction": _publish,
    "StopAction": _stop,
}
