"""The account, by the v2 API. It has production access from the start, with the quotas that one begins with."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.ses import sesv2
from kumoi.services.ses.account import change, current
from kumoi.services.ses.statistics import MOST_A_DAY, MOST_A_SECOND, sent_in_a_day


@sesv2.operation
async def get_account(call: Call) -> dict[str, Any]:
    """The account's settings and quotas."""
    found = await current(call.state)
    sent = await sent_in_a_day(call.state)
    told: dict[str, Any] = {
        "DedicatedIpAutoWarmupEnabled": found.warmup,
        "EnforcementStatus": "HEALTHY",
        "ProductionAccessEnabled": True,
        "SendQuota": {"Max24HourSend": MOST_A_DAY, "MaxSendRate": MOST_A_SECOND, "SentLast24Hours": sent},
        "SendingEnabled": found.sending,
        "SuppressionAttributes": {"SuppressedReasons": list(found.suppresses)},
        "VdmAttributes": found.vdm or {"VdmEnabled": "DISABLED"},
    }
    if found.details:
        told["Details"] = {**found.details, "ReviewDetails": {"Status": "GRANTED"}}
    return told


@sesv2.operation
async def put_account_sending_attributes(call: Call, SendingEnabled: bool = False) -> None:
    """Have the account send, or not."""
    await change(call.state, sending=SendingEnabled)


@sesv2.operation
async def put_account_suppression_attributes(call: Call, SuppressedReasons: list[str] | None = None) -> None:
    """For which reasons addresses come onto the suppression list, and get no mails."""
    await change(call.state, suppresses=tuple(SuppressedReasons or ()))


@sesv2.operation
async def put_account_dedicated_ip_warmup_attributes(call: Call, AutoWarmupEnabled: bool = False) -> None:
    """Whether dedicated addresses are warmed up: kept and told, since there are none."""
    await change(call.state, warmup=AutoWarmupEnabled)


@sesv2.operation
async def put_account_vdm_attributes(call: Call, VdmAttributes: dict[str, Any]) -> None:
    """What Virtual Deliverability Manager does: kept and told."""
    await change(call.state, vdm=VdmAttributes)


@sesv2.operation
async def put_account_details(
    call: Call,
    MailType: str,
    WebsiteURL: str,
    ContactLanguage: str | None = None,
    UseCaseDescription: str | None = None,
    AdditionalContactEmailAddresses: list[str] | None = None,
    ProductionAccessEnabled: bool = False,
) -> None:
    """What mails are sent for. Nobody reviews it: production access is there from the start."""
    details = {
        "MailType": MailType,
        "WebsiteURL": WebsiteURL,
        "ContactLanguage": ContactLanguage or "EN",
        "UseCaseDescription": UseCaseDescription,
        "AdditionalContactEmailAddresses": AdditionalContactEmailAddresses,
    }
    await change(call.state, details={name: value for name, value in details.items() if value is not None})
