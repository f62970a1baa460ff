"""Events of mails as SES tells them: to destinations of configuration sets, and as notifications of identities. Pure.

Source: "Contents of event data that Amazon SES publishes to Amazon SNS" and "Amazon SNS notification contents" of the
developer guide.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from kumoi.mailbox import messages
from kumoi.mailbox.views import moment
from kumoi.services.ses.envelopes import Envelope
from kumoi.services.ses.simulator import Fates

NAMES: Mapping[str, str] = {
    "SEND": "Send",
    "REJECT": "Reject",
    "BOUNCE": "Bounce",
    "COMPLAINT": "Complaint",
    "DELIVERY": "Delivery",
    "OPEN": "Open",
    "CLICK": "Click",
    "RENDERING_FAILURE": "Rendering Failure",
    "DELIVERY_DELAY": "DeliveryDelay",
    "SUBSCRIPTION": "Subscription",
}
"""What events call the types of the API."""
DETAIL_TYPES: Mapping[str, str] = {
    "SEND": "Email Sent",
    "REJECT": "Email Rejected",
    "BOUNCE": "Email Bounced",
    "COMPLAINT": "Email Complaint Received",
    "DELIVERY": "Email Delivered",
    "OPEN": "Email Opened",
    "CLICK": "Email Clicked",
    "RENDERING_FAILURE": "Email Rendering Failed",
    "DELIVERY_DELAY": "Email Delivery Delayed",
    "SUBSCRIPTION": "Email Subscribed",
}
"""What EventBridge's events are called."""
OUTGOING_IP = "192.0.2.1"
"""The address that mails would leave from, one of documentation (RFC 5737)."""
MOST_HEADERS = 10_240
_MTA = "simulator.amazonses.com"
_SUPPRESSED = (
    "Amazon SES has suppressed sending to this address because it has a recent history of bouncing as an invalid "
    "address. For more information about how to remove an address from the suppression list, see the Amazon SES "
    "Developer Guide: http://docs.aws.amazon.com/ses/latest/DeveloperGuide/remove-from-suppressionlist.html "
)
_OPTED_OUT = "Amazon SES did not send the message to this address because its contact has unsubscribed."
_ON_ACCOUNT_LIST = (
    "Amazon SES did not send the message to this address because it is on the suppression list for your account. "
    "For more information about removing addresses from the suppression list, see the Amazon SES Developer Guide at "
    "https://docs.aws.amazon.com/ses/latest/DeveloperGuide/sending-email-suppression-list.html"
)


def mail(
    envelope: Envelope, raw: bytes, message_id: str, identity_arn: str, account: str, time: float, region: str
) -> dict[str, Any]:
    """The mail that an event is of."""
    head = messages.headers_of(raw)
    headers: list[dict[str, str]] = []
    size, cut = 0, False
    for name, value in head.items():
        if name.lower() in ("date", "message-id"):
            continue
        shown = messages.header(value)
        size += len(name) + len(shown)
        if size > MOST_HEADERS:
            cut = True
            break
        headers.append({"name": name, "value": shown})
    common: dict[str, Any] = {
        "from": [envelope.source.text],
        "date": format_datetime(datetime.fromtimestamp(time, UTC)),
    }
    for name, group in (("replyTo", envelope.reply_to), ("to", envelope.to), ("cc", envelope.cc)):
        if group:
            common[name] = [one.text for one in group]
    common |= {"messageId": message_id, "subject": messages.header(head.get("subject", ""))}
    return {
        "timestamp": moment(time),
        "source": envelope.source.text,
        "sourceArn": identity_arn,
        "sendingAccountId": account,
        "messageId": message_id,
        "destination": envelope.recipients,
        "headersTruncated": cut,
        "headers": headers,
        "commonHeaders": common,
    }


def happened(fates: Fates, time: float, feedback: Iterable[str], region: str) -> list[tuple[str, dict[str, Any]]]:
    """What happens to a mail that was sent: (type, what is told of it). `feedback` gives ids of feedback."""
    ids = iter(feedback)
    found: list[tuple[str, dict[str, Any]]] = [("SEND", {})]
    if fates.delivered:
        told = {
            "timestamp": moment(time),
            "processingTimeMillis": 500,
            "recipients": fates.delivered,
            "smtpResponse": "250 2.6.0 Message received",
            "reportingMTA": f"a8-50.smtp-out.{'amazonses.com' if region == 'us-east-1' else region + '.amazonses.com'}",
        }
        found.append(("DELIVERY", told))
    unknown = {"action": "failed", "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 user unknown"}
    for group, subtype, detail in (
        (fates.bounced, "General", unknown),
        (fates.suppressed, "Suppressed", {**unknown, "diagnosticCode": _SUPPRESSED}),
        (fates.on_account_list, "OnAccountSuppressionList", {**unknown, "diagnosticCode": _ON_ACCOUNT_LIST}),
        (fates.opted_out, "UnsubscribedRecipient", {**unknown, "diagnosticCode": _OPTED_OUT}),
    ):
        if group:
            bounce = {
                "feedbackId": next(ids),
                "bounceType": "Permanent",
                "bounceSubType": subtype,
                "bouncedRecipients": [{"emailAddress": one, **detail} for one in group],
                "timestamp": moment(time),
                **({"remoteMtaIp": "127.0.0.1"} if subtype == "General" else {}),
                "reportingMTA": f"dsn; {_MTA}",
            }
            found.append(("BOUNCE", bounce))
    if fates.complained:
        complaint = {
            "feedbackId": next(ids),
            "complaintSubType": None,
            "complainedRecipients": [{"emailAddress": one} for one in fates.complained],
            "timestamp": moment(time),
            "userAgent": "Amazon SES Mailbox Simulator",
            "complaintFeedbackType": "abuse",
            "arrivalDate": moment(time),
        }
        found.append(("COMPLAINT", complaint))
    return found


def event(kind: str, of: Mapping[str, Any], tags: Mapping[str, list[str]], told: Mapping[str, Any]) -> dict[str, Any]:
    """An event of a configuration set's destination."""
    own = {**tags, "ses:outgoing-ip": [OUTGOING_IP]} if kind == "DELIVERY" else dict(tags)
    member = {"RENDERING_FAILURE": "failure", "DELIVERY_DELAY": "deliveryDelay"}.get(kind, kind.lower())
    return {"eventType": NAMES[kind], "mail": {**of, "tags": own}, member: dict(told)}


def notification(kind: str, of: Mapping[str, Any], told: Mapping[str, Any], *, headers: bool) -> dict[str, Any]:
    """A notification of an identity (Bounce, Complaint, Delivery); headers where it is set up to tell them."""
    hidden = () if headers else ("headersTruncated", "headers", "commonHeaders")
    shown = {name: value for name, value in of.items() if name not in hidden}
    return {"notificationType": NAMES[kind], kind.lower(): dict(told), "mail": shown}
