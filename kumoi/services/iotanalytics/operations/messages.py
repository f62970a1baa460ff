"""Messages into a channel, and a sample of them out of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from kumoi.doorway import Call
from kumoi.epoch import milliseconds_of
from kumoi.services.iotanalytics import iotanalytics
from kumoi.services.iotanalytics.channel_export import ChannelExport
from kumoi.services.iotanalytics.channel_log import ChannelLog, payloads
from kumoi.services.iotanalytics.channel_shapes import ChannelShapes
from kumoi.services.iotanalytics.lookup import channel_key, find_channel
from kumoi.services.iotanalytics.naming import invalid
from kumoi.services.iotanalytics.runner import Runner
from kumoi.services.iotanalytics.storage_rules import service_managed

MOST_MESSAGES = 100
MOST_BYTES = 128 * 1024


@iotanalytics.operation
async def batch_put_message(call: Call, channelName: str, messages: list[dict[str, Any]]) -> dict[str, Any]:
    """Put up to a hundred messages; those that cannot be taken are told one by one, the others are durable."""
    if not 1 <= len(messages) <= MOST_MESSAGES:
        raise invalid(f"A batch holds 1 to {MOST_MESSAGES} messages, not {len(messages)}.")
    channel = await find_channel(call.state, channelName)
    taken: dict[str, bytes] = {}
    refused = []
    for message in messages:
        message_id, payload = message["messageId"], message["payload"]
        if message_id in taken:
            refused.append(_refused(message_id, f"The message id {message_id} is in the batch already."))
        elif len(payload) > MOST_BYTES:
            refused.append(_refused(message_id, f"The message is larger than {MOST_BYTES} bytes."))
        else:
            taken[message_id] = payload
    if taken:
        key = channel_key(call, channel)
        shape = await call.part(ChannelShapes).of(call.state, key, list(taken.values()))
        await call.part(ChannelLog).append(key, taken.items(), call.now, shape)
        if not service_managed(channel.storage):
            await call.part(ChannelExport).arrived(call.state, key)
        call.part(Runner).arrived(call.account, call.region, channelName)
        call.meter("messages", len(taken))
        call.meter("message_bytes", sum(map(len, taken.values())))
    return {"batchPutMessageErrorEntries": refused}


@iotanalytics.operation
async def sample_channel_data(
    call: Call,
    channelName: str,
    maxMessages: int = 10,
    startTime: datetime | None = None,
    endTime: datetime | None = None,
) -> dict[str, Any]:
    """Up to ten messages of a time, the newest first."""
    channel = await find_channel(call.state, channelName)
    start, end = milliseconds(startTime), milliseconds(endTime)
    if start is not None and end is not None and start >= end:
        raise invalid("The start time must be before the end time.")
    rows = await call.part(ChannelLog).sample(channel_key(call, channel), start, end, maxMessages)
    return {"payloads": payloads(rows)}


def milliseconds(time: datetime | None) -> int | None:
    """A time in epoch milliseconds."""
    return None if time is None else milliseconds_of(time)


def _refused(message_id: str, reason: str) -> dict[str, str]:
    return {"messageId": message_id, "errorCode": "InvalidRequestException", "errorMessage": reason}
