"""Receipt rules: which of them a mail meets, whether its sender is let in, what is told of it. Pure.

Source: "Email receiving with Amazon SES", "Contents of notifications for Amazon SES email receiving" of the developer
guide.
"""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from kumoi.mailbox import messages
from kumoi.mailbox.views import moment
from kumoi.services.ses.receipt_records import Filter
from kumoi.services.ses.simulator import EICAR

SUBJECT = "Amazon SES Email Receipt Notification"
_SIGNS = "abcdefghijklmnopqrstuvwxyz0123456789"
ACTIONS = ("AddHeaderAction", "BounceAction", "LambdaAction", "S3Action", "SNSAction", "StopAction")


def inbound_id() -> str:
    """A fresh id of a mail that came in: 40 letters and digits."""
    return "".join(secrets.choice(_SIGNS) for _ in range(40))


def meets(conditions: Sequence[str], recipient: str) -> bool:
    """Whether a recipient meets a rule's conditions: addresses, domains, `.domain` for what lies below one; or none."""
    lower = recipient.lower()
    domain = lower.rpartition("@")[2]
    return not conditions or any(
        lower == one or domain == one or (one.startswith(".") and domain.endswith(one))
        for one in (condition.lower() for condition in conditions)
    )


def met(rules: Iterable[Mapping[str, Any]], recipients: Sequence[str]) -> Iterator[tuple[Mapping[str, Any], list[str]]]:
    """The enabled rules that some recipients meet, in order, with those."""
    for rule in rules:
        found = [one for one in recipients if meets(rule.get("Recipients") or (), one)]
        if rule.get("Enabled") and found:
            yield rule, found


def let_in(filters: Iterable[Filter], address: str) -> bool:
    """Whether a sender's IP address is let in: blocked ones are not, unless they are allowed, too."""
    sender = ipaddress.ip_address(address)
    found = {one.policy for one in filters if sender in ipaddress.ip_network(one.cidr, strict=False)}
    return "Allow" in found or "Block" not in found


def mail(raw: bytes, identifier: str, sender: str, recipients: Sequence[str], time: float) -> dict[str, Any]:
    """The mail that came in, as notifications tell it."""
    head = [(name, messages.header(value)) for name, value in messages.headers_of(raw).items()]
    common: dict[str, Any] = {"returnPath": sender}
    for name, member in (("from", "from"), ("reply-to", "replyTo"), ("to", "to"), ("cc", "cc")):
        if values := [value for known, value in head if known.lower() == name]:
            common[member] = values
    for name, member in (("date", "date"), ("message-id", "messageId"), ("subject", "subject")):
        if values := [value for known, value in head if known.lower() == name]:
            common[member] = values[0]
    return {
        "timestamp": moment(time),
        "source": sender,
        "messageId": identifier,
        "destination": list(recipients),
        "headersTruncated": False,
        "headers": [{"name": name, "value": value} for name, value in head],
        "commonHeaders": common,
    }


def receipt(raw: bytes, rule: Mapping[str, Any], recipients: Sequence[str], time: float) -> dict[str, Any]:
    """What was found of a mail; `action` is added for whom it is told."""
    scanned = bool(rule.get("ScanEnabled"))
    virus = any(EICAR in one.content for one in messages.read(raw).attachments)
    verdicts = {"spamVerdict": "PASS", "virusVerdict": "FAIL" if virus else "PASS"} if scanned else {}
    verdicts |= dict.fromkeys(("spfVerdict", "dkimVerdict", "dmarcVerdict"), "GRAY")
    return {
        "timestamp": moment(time),
        "processingTimeMillis": 1,
        "recipients": list(recipients),
        **{name: {"status": status} for name, status in verdicts.items()},
    }
