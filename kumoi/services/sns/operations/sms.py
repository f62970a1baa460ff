"""Text messages: an account's settings, and lists that are empty here.

Nobody can answer STOP to a text that is not sent, so no number is ever opted out; no origination numbers can be had,
and there is no sandbox to leave: text messages to every number go to Kumoi's outbox.
"""

from __future__ import annotations

import re
from typing import Any

from kumoi.doorway import Call
from kumoi.services.sns import sns
from kumoi.services.sns.naming import invalid
from kumoi.services.sns.records import SmsSettings, sms_settings
from kumoi.state import Transaction, transactional

_PHONE = re.compile(r"\+?[0-9][0-9-]{4,20}")
_KNOWN = (
    *("MonthlySpendLimit", "DeliveryStatusIAMRole", "DeliveryStatusSuccessSamplingRate", "DefaultSenderID"),
    *("DefaultSMSType", "UsageReportS3Bucket"),
)


@sns.operation(name="GetSMSAttributes")
async def get_sms_attributes(call: Call, attributes: list[str] | None = None) -> dict[str, Any]:
    """The settings of text messages, those asked for or all."""
    known = await _settings(call.state)
    return {"attributes": {name: value for name, value in known.items() if not attributes or name in attributes}}


@sns.operation(name="SetSMSAttributes")
async def set_sms_attributes(call: Call, attributes: dict[str, str]) -> dict[str, Any]:
    """Change settings of text messages; an empty value takes one back."""
    for name, value in attributes.items():
        if name not in _KNOWN:
            raise invalid(f"{name} is not a valid attribute")
        if not value:
            continue
        if name == "DefaultSMSType" and value not in ("Promotional", "Transactional"):
            raise invalid("DefaultSMSType is invalid")
        if name in ("MonthlySpendLimit", "DeliveryStatusSuccessSamplingRate") and not re.fullmatch(
            r"[0-9]{1,9}", value
        ):
            raise invalid(f"{name} is invalid")
    await _change(call.state, attributes)
    return {}


@transactional
async def _settings(tx: Transaction) -> dict[str, str]:
    found = await sms_settings.get(tx)
    return {} if found is None else found.attributes


@transactional
async def _change(tx: Transaction, given: dict[str, str]) -> None:
    wanted = {**await _settings(tx), **given}
    await sms_settings.put(tx, SmsSettings({name: value for name, value in wanted.items() if value}))


@sns.operation
async def check_if_phone_number_is_opted_out(call: Call, phoneNumber: str) -> dict[str, Any]:
    """Whether a number wants no more text messages: none can say so here."""
    _check(phoneNumber)
    return {"isOptedOut": False}


@sns.operation
async def list_phone_numbers_opted_out(call: Call, nextToken: str | None = None) -> dict[str, Any]:
    """The numbers that want no more text messages: none."""
    return {"phoneNumbers": []}


@sns.operation
async def opt_in_phone_number(call: Call, phoneNumber: str) -> dict[str, Any]:
    """Have a number get text messages again; every number does."""
    _check(phoneNumber)
    return {}


@sns.operation
async def list_origination_numbers(
    call: Call, NextToken: str | None = None, MaxResults: int | None = None
) -> dict[str, Any]:
    """The numbers that text messages come from: none."""
    return {"PhoneNumbers": []}


@sns.operation(name="GetSMSSandboxAccountStatus")
async def get_sms_sandbox_account_status(call: Call) -> dict[str, Any]:
    """Whether the account is in the sandbox: never, every number may be texted."""
    return {"IsInSandbox": False}


@sns.operation(name="ListSMSSandboxPhoneNumbers")
async def list_sms_sandbox_phone_numbers(
    call: Call, NextToken: str | None = None, MaxResults: int | None = None
) -> dict[str, Any]:
    """The numbers of the sandbox: none, as there is no sandbox."""
    return {"PhoneNumbers": []}


def _check(number: str) -> None:
    if not _PHONE.fullmatch(number):
        raise invalid(f"PhoneNumber Reason: {number} is not valid")
