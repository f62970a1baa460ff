"""The account's suppression list: addresses that nothing is delivered to."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from kumoi.doorway import Call
from kumoi.services.ses import sesv2
from kumoi.services.ses.addresses import BadAddress, checked
from kumoi.services.ses.errors import invalid
from kumoi.services.ses.pages import page
from kumoi.services.ses.records import Suppressed, suppressed
from kumoi.wire.errors import AwsError, aws_error


def _address(call: Call, text: str) -> str:
    try:
        return checked(text).lower()
    except BadAddress as error:
        raise invalid(call, str(error)) from error


def _not_listed(address: str) -> AwsError:
    return aws_error("NotFoundException", f"Email address {address} does not exist on your suppression list.")


def _told(one: Suppressed) -> dict[str, Any]:
    return {
        "EmailAddress": one.address,
        "Reason": one.reason,
        "LastUpdateTime": datetime.fromtimestamp(one.updated, UTC),
    }


@sesv2.operation
async def put_suppressed_destination(call: Call, EmailAddress: str, Reason: Any) -> None:
    """Put an address onto the list."""
    entry = Suppressed(address=_address(call, EmailAddress), reason=Reason, updated=call.now)
    await call.state.run(suppressed.put, entry)


@sesv2.operation
async def get_suppressed_destination(call: Call, EmailAddress: str) -> dict[str, Any]:
    """An address of the list."""
    address = _address(call, EmailAddress)
    found = await call.state.run(suppressed.get, address)
    if found is None:
        raise _not_listed(address)
    attributes = {"MessageId": found.message, "FeedbackId": found.feedback} if found.message else None
    return {"SuppressedDestination": {**_told(found), "Attributes": attributes}}


@sesv2.operation
async def delete_suppressed_destination(call: Call, EmailAddress: str) -> None:
    """Take an address off the list."""
    address = _address(call, EmailAddress)
    if not await call.state.run(suppressed.delete, address):
        raise _not_listed(address)


@sesv2.operation
async def list_suppressed_destinations(
    call: Call,
    Reasons: list[str] | None = None,
    StartDate: datetime | None = None,
    EndDate: datetime | None = None,
    NextToken: str | None = None,
    PageSize: int | None = None,
) -> dict[str, Any]:
    """The list, the latest first."""
    start = StartDate.timestamp() if StartDate else 0.0
    end = EndDate.timestamp() if EndDate else float("inf")
    known = [
        one
        for one in await call.state.run(suppressed.list)
        if (not Reasons or one.reason in Reasons) and start <= one.updated <= end
    ]
    known.sort(key=lambda one: (-one.updated, one.address))
    found, more = page(call, known, NextToken, PageSize, 1000)
    return {"SuppressedDestinationSummaries": list(map(_told, found)), "NextToken": more}
