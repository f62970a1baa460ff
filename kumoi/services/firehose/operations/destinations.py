"""UpdateDestination."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from kumoi.doorway import Call
from kumoi.services.firehose import firehose
from kumoi.services.firehose.destinations import changed, given_destination
from kumoi.services.firehose.errors import invalid, other_version
from kumoi.services.firehose.records import DESTINATION_ID, DeliveryStream
from kumoi.services.firehose.secrets import sealed, without_secret
from kumoi.services.firehose.store import change


@firehose.operation
async def update_destination(
    call: Call, DeliveryStreamName: str, CurrentDeliveryStreamVersionId: str, DestinationId: str, **members: Any
) -> None:
    """Change the members of the destination that are given; the version counts on. Open buffers stay as they are."""
    given = given_destination(members, "DestinationUpdate")
    settings, secret = without_secret(given.settings)
    now, sealer = call.now, call.doorway.identity.sealer

    def updated(stream: DeliveryStream) -> DeliveryStream:
        if str(stream.version) != CurrentDeliveryStreamVersionId:
            raise other_version(stream.name, stream.version, CurrentDeliveryStreamVersionId)
        if DestinationId != DESTINATION_ID:
            raise invalid(f"Destination Id {DestinationId} not found")
        kind = "ExtendedS3" if given.kind == "ExtendedS3" and stream.kind == "S3" else stream.kind
        return replace(
            stream,
            kind=kind,
            destination=changed(stream, given._replace(settings=settings)),
            version=stream.version + 1,
            updated=now,
            secret=stream.secret if secret is None else sealed(sealer, stream.id, secret),
        )

    await change(call.state, DeliveryStreamName, updated)
