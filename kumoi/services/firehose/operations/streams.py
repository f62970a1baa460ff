"""Delivery streams are made, described, listed and deleted; they are active when CreateDeliveryStream answers."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call, Principal
from kumoi.names import uuid
from kumoi.services.firehose import firehose
from kumoi.services.firehose.destinations import completed, given_destination, told
from kumoi.services.firehose.encryption import checked_key
from kumoi.services.firehose.errors import exists, invalid, unbuilt
from kumoi.services.firehose.intake import Intake
from kumoi.services.firehose.lifespan import Readers
from kumoi.services.firehose.records import (
    DESTINATION_ID,
    DeliveryStream,
    Encryption,
    KinesisSource,
    Reading,
    readings,
    streams,
)
from kumoi.services.firehose.secrets import sealed, without_secret
from kumoi.services.firehose.store import all_streams, find, forget_stream
from kumoi.services.firehose.tags import check_tags, tags_of
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError


@firehose.operation
async def create_delivery_stream(
    call: Call,
    DeliveryStreamName: str,
    DeliveryStreamType: str = "DirectPut",
    DirectPutSourceConfiguration: dict[str, Any] | None = None,
    KinesisStreamSourceConfiguration: dict[str, Any] | None = None,
    DeliveryStreamEncryptionConfigurationInput: dict[str, Any] | None = None,
    Tags: list[dict[str, str]] | None = None,
    **members: Any,
) -> dict[str, Any]:
    """Make a delivery stream, and read its source where it has one."""
    if (
        DeliveryStreamType in ("MSKAsSource", "DatabaseAsSource")
        or {
            "MSKSourceConfiguration",
            "DatabaseSourceConfiguration",
        }
        & members.keys()
    ):
        raise unbuilt("reads no Kafka topics and no databases: a source is DirectPut or a Kinesis stream")
    given = given_destination(members, "DestinationConfiguration")
    settings, secret = without_secret(given.settings)
    source = await _source(call, DeliveryStreamType, KinesisStreamSourceConfiguration)
    if source is not None and DeliveryStreamEncryptionConfigurationInput is not None:
        raise invalid("Server-side encryption is for delivery streams whose source is DirectPut.")
    tags = tags_of(Tags or ())
    check_tags(tags)
    encryption: Encryption | None = None
    if DeliveryStreamEncryptionConfigurationInput is not None:
        encryption = await checked_key(call, DeliveryStreamEncryptionConfigurationInput)
    now, identifier = call.now, uuid()
    stream = DeliveryStream(
        name=DeliveryStreamName,
        id=identifier,
        account=call.account,
        region=call.region,
        created=now,
        updated=now,
        kind=given.kind,
        destination=completed(given._replace(settings=settings)),
        source=source,
        hint=(DirectPutSourceConfiguration or {}).get("ThroughputHintInMBs"),
        encryption=encryption,
        secret=sealed(call.doorway.identity.sealer, identifier, secret),
        tags=tags,
    )
    await _create(call.state, stream)
    await call.part(Readers).follow(stream)
    return {"DeliveryStreamARN": stream.arn}


async def _source(call: Call, kind: str, given: dict[str, Any] | None) -> KinesisSource | None:
    if kind == "DirectPut":
        if given is not None:
            raise invalid("KinesisStreamSourceConfiguration must be null when DeliveryStreamType is DirectPut.")
        return None
    if given is None:
        raise invalid("KinesisStreamSourceConfiguration must be set when DeliveryStreamType is KinesisStreamAsSource.")
    arn = given["KinesisStreamARN"]
    looking = Principal.looking(call.account, "kinesis", call.node)
    try:
        await call.to_as(looking, "kinesis", "DescribeStreamSummary", StreamARN=arn)
    except AwsError as error:
        raise invalid(f"The Kinesis stream {arn} cannot be read: {error.message}") from None
    return KinesisSource(stream=arn, role=given["RoleARN"], begins=call.now)


@transactional
async def _create(tx: Transaction, stream: DeliveryStream) -> None:
    if await streams.get(tx, stream.name) is not None:
        raise exists(stream.name, stream.account)
    await streams.put(tx, stream)
    if stream.source is not None:
        place = Reading(account=stream.account, region=stream.region, stream=stream.name, stream_id=stream.id)
        await readings.put(tx, place)


@firehose.operation
async def delete_delivery_stream(call: Call, DeliveryStreamName: str, AllowForceDelete: bool = False) -> None:
    """Delete a delivery stream; what was not delivered is lost, as at AWS. No key can keep it from being deleted."""
    stream = await find(call, DeliveryStreamName)
    await call.part(Readers).leave(stream)
    await forget_stream(call.state, stream)
    call.part(Intake).drop(stream.id)


@firehose.operation
async def describe_delivery_stream(
    call: Call, DeliveryStreamName: str, Limit: int = 1, ExclusiveStartDestinationId: str | None = None
) -> dict[str, Any]:
    """What there is to say about a delivery stream."""
    stream = await find(call, DeliveryStreamName)
    shown = ExclusiveStartDestinationId is None or ExclusiveStartDestinationId < DESTINATION_ID
    answer: dict[str, Any] = {
        "DeliveryStreamName": stream.name,
        "DeliveryStreamARN": stream.arn,
        "DeliveryStreamStatus": "ACTIVE",
        "DeliveryStreamEncryptionConfiguration": {"Status": "DISABLED"},
        "DeliveryStreamType": "DirectPut" if stream.source is None else "KinesisStreamAsSource",
        "VersionId": str(stream.version),
        "CreateTimestamp": stream.created,
        "LastUpdateTimestamp": stream.updated if stream.updated != stream.created else None,
        "Destinations": [told(stream)] if shown else [],
        "HasMoreDestinations": False,
    }
    if stream.encryption is not None:
        kept = {"Status": "ENABLED", "KeyType": stream.encryption.key_type, "KeyARN": stream.encryption.key or None}
        answer["DeliveryStreamEncryptionConfiguration"] = kept
    if stream.source is not None:
        answer["Source"] = {
            "KinesisStreamSourceDescription": {
                "KinesisStreamARN": stream.source.stream,
                "RoleARN": stream.source.role,
                "DeliveryStartTimestamp": stream.source.begins,
            }
        }
    elif stream.hint is not None:
        answer["Source"] = {"DirectPutSourceDescription": {"ThroughputHintInMBs": stream.hint}}
    return {"DeliveryStreamDescription": answer}


@firehose.operation
async def list_delivery_streams(
    call: Call,
    Limit: int = 10,
    DeliveryStreamType: str | None = None,
    ExclusiveStartDeliveryStreamName: str | None = None,
) -> dict[str, Any]:
    """The names of the delivery streams, in their order."""
    wanted = {None: (True, False), "DirectPut": (False,), "KinesisStreamAsSource": (True,)}.get(DeliveryStreamType, ())
    names = [
        one.name
        for one in await all_streams(call.state)
        if (one.source is not None) in wanted
        and (ExclusiveStartDeliveryStreamName is None or one.name > ExclusiveStartDeliveryStreamName)
    ]
    return {"DeliveryStreamNames": names[:Limit], "HasMoreDeliveryStreams": len(names) > Limit}
