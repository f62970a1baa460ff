"""Server-side encryption is turned on and off: it is told of, while the store of the platform is what it is."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from kumoi.doorway import Call
from kumoi.services.firehose import firehose
from kumoi.services.firehose.encryption import checked_key
from kumoi.services.firehose.errors import invalid
from kumoi.services.firehose.records import DeliveryStream, Encryption
from kumoi.services.firehose.store import change


@firehose.operation
async def start_delivery_stream_encryption(
    call: Call, DeliveryStreamName: str, DeliveryStreamEncryptionConfigurationInput: dict[str, Any] | None = None
) -> None:
    """Encrypt with AWS's own key, or with a customer's."""
    wanted = await checked_key(call, DeliveryStreamEncryptionConfigurationInput)
    await _set(call, DeliveryStreamName, wanted)


@firehose.operation
async def stop_delivery_stream_encryption(call: Call, DeliveryStreamName: str) -> None:
    """Encrypt no longer."""
    await _set(call, DeliveryStreamName, None)


async def _set(call: Call, name: str, wanted: Encryption | None) -> None:
    def changed(stream: DeliveryStream) -> DeliveryStream:
        if stream.source is not None:
            raise invalid("Server-side encryption is for delivery streams whose source is DirectPut.")
        return replace(stream, encryption=wanted)

    await change(call.state, name, changed)
