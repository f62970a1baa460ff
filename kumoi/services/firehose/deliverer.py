"""Buffers brought to their destination: one at a time of each stream, the oldest first, until it is there.

Objects of S3 are tried again for a day; an HTTP endpoint for as long as its stream says, after which the records go to
S3. What was made of a buffer is kept while it is tried again, so that a function transforms its records once. A timer
that falls due while its stream is being delivered leaves its buffer to whoever delivers.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import orjson

from kumoi.delivery.retry import pause as usual_pause
from kumoi.doorway import CallDropped, ChargeKey, Doorway
from kumoi.http_client import HttpClient, Unreachable
from kumoi.presto.database import Database
from kumoi.services.firehose import http_endpoint
from kumoi.services.firehose.conversion import converted, schema_of
from kumoi.services.firehose.destinations import converts, partitions
from kumoi.services.firehose.error_log import report
from kumoi.services.firehose.flow import Failed, Flowing, flowing
from kumoi.services.firehose.http_endpoint import Refused, posts, written
from kumoi.services.firehose.intake import Intake
from kumoi.services.firehose.objects import Parcel, Partition, error_parcels, named, parcel, partitioned
from kumoi.services.firehose.prefixes import evaluated
from kumoi.services.firehose.processors import Processing, keyed, opened, processing_of
from kumoi.services.firehose.records import Buffer, DeliveryStream, buffers, decode_due, streams
from kumoi.services.firehose.secrets import opened as opened_secret
from kumoi.services.firehose.store import contents, forget_buffer, pending, wake
from kumoi.services.firehose.stream_source import billed
from kumoi.services.firehose.transformation import transformed
from kumoi.state import State, Timer, Transaction, transactional
from kumoi.wire.errors import AwsError

logger = logging.getLogger(__name__)

DAY = 86_400.0
"""Seconds that objects are tried for; what is not in S3 then is lost, as at AWS."""


class Work(NamedTuple):
    """What was made of a buffer, by which version of its stream: objects, and records for an HTTP endpoint."""

    buffer: str
    version: int
    parcels: list[Parcel]
    records: list[Flowing]
    done: set[str]
    """Keys of objects, and ids of requests, that are where they belong."""


class Deliverer:
    """Delivers the buffers of a platform. `folder` is for files under way."""

    def __init__(self, doorway: Doorway, intake: Intake, http: HttpClient, folder: Path) -> None:
        self._doorway = doorway
        self._intake = intake
        self._http = http
        self._folder = folder
        self._database = Database(folder)
        self._under_way: set[str] = set()
        self._again: set[str] = set()
        self._works: dict[str, Work] = {}

    def close(self) -> None:
        """Give back what is held."""
        self._database.close()

    async def due(self, timer: Timer) -> None:
        """Deliver what a timer says, and what else of its stream is due."""
        due = decode_due(timer.payload)
        self._intake.close(due.stream_id, due.buffer)
        if due.stream_id in self._under_way:
            self._again.add(due.stream_id)
            return
        self._under_way.add(due.stream_id)
        try:
            state = self._doorway.state.at(timer.account, timer.region)
            goes_on = True
            while goes_on:
                self._again.discard(due.stream_id)
                goes_on = await self._round(state, due.stream, due.stream_id) and due.stream_id in self._again
        finally:
            self._under_way.discard(due.stream_id)

    async def _round(self, state: State, name: str, stream_id: str) -> bool:
        """Deliver a stream's buffers that are closed; whether all of them are there."""
        for buffer in await pending(state, stream_id):
            if self._intake.is_open(buffer):
                continue
            stream = await streams.look(state, name)
            if stream is None or stream.id != stream_id:
                self._works.pop(stream_id, None)
                await forget_buffer(state, buffer)
            elif buffer.next_try > self._doorway.clock.now() or not await self._deliver(state, stream, buffer):
                return False
        return True

    async def _deliver(self, state: State, stream: DeliveryStream, buffer: Buffer) -> bool:
        """Deliver a buffer; False where that has to be tried again."""
        now = self._doorway.clock.now()
        try:
            work = self._works.get(stream.id)
            if work is None or (work.buffer, work.version) != (buffer.id, stream.version):
                work = self._works[stream.id] = await self._made(state, stream, buffer)
            for one in work.parcels:
                await self._put(stream, work, one)
            if stream.kind == "HttpEndpoint":
                await self._post_all(stream, buffer, work)
        except Refused as error:
            since = buffer.failing or now
            if not error.final and now - since < stream.destination["RetryOptions"]["DurationInSeconds"]:
                return await self._later(state, buffer, http_endpoint.pause(buffer, buffer.attempts + 1))
            await self._give_up_posts(stream, buffer, error)
            return await self._deliver(state, stream, buffer)
        except (AwsError, CallDropped) as error:
            made = stream.id in self._works and self._works[stream.id].buffer == buffer.id
            await self._failed(stream, error, "S3" if made else "Preparation")
            if buffer.failing is None or now - buffer.failing < DAY:
                return await self._later(state, buffer, usual_pause(buffer.id, buffer.attempts + 1))
            logger.error("records of %s are lost after a day: %r", stream.name, error)
        self._works.pop(stream.id, None)
        await forget_buffer(state, buffer)
        return True

    async def _later(self, state: State, buffer: Buffer, pause: float) -> bool:
        now = self._doorway.clock.now()
        changed = msgspec.structs.replace(
            buffer,
            attempts=buffer.attempts + 1,
            failing=now if buffer.failing is None else buffer.failing,
            next_try=now + pause,
        )
        await _postpone(state, changed)
        return False

    async def _made(self, state: State, stream: DeliveryStream, buffer: Buffer) -> Work:
        """What is to be put and posted of a buffer."""
        given = list(flowing(buffer, await contents(state, buffer)))
        processing = processing_of(stream.destination.get("ProcessingConfiguration"))
        records, failed = await self._processed(stream, processing, given)
        place = stream.destination
        http = stream.kind == "HttpEndpoint"
        if http:
            place = stream.destination["S3DestinationDescription"]
            parcels: list[Parcel] = []
            if stream.destination["S3BackupMode"] == "AllData" and given:
                parcels = [await asyncio.to_thread(_backup, stream, buffer, place, given)]
        else:
            parcels, more = await self._parcels(stream, buffer, processing, records)
            failed += more
            if stream.destination.get("S3BackupMode") == "Enabled" and given:
                backup = stream.destination["S3BackupDescription"]
                parcels.append(await asyncio.to_thread(_backup, stream, buffer, backup, given))
        for one in failed[:1]:
            await report(self._doorway, stream, stream.destination, one.told.get("lambdaArn", ""), one)
        parcels += await asyncio.to_thread(error_parcels, stream, buffer, place, failed)
        return Work(buffer.id, stream.version, parcels, records if http else [], set())

    async def _processed(
        self, stream: DeliveryStream, processing: Processing, given: Sequence[Flowing]
    ) -> tuple[list[Flowing], list[Failed]]:
        now = self._doorway.clock.now()
        records, failed = await asyncio.to_thread(opened, processing, given, now)
        if processing.function is not None and records:
            done = await transformed(self._doorway, stream, processing.function, records)
            records, failed = done.records, failed + done.failed
            size = float(sum(len(one.content) for one in records))
            units = {"processed_records": float(len(records)), "processed_bytes": size}
            self._doorway.charges.add(_key(stream, "Processing"), **units)
        if processing.query:
            records, more = await asyncio.to_thread(keyed, processing.query, records, now)
            failed += more
        return records, failed

    async def _parcels(
        self, stream: DeliveryStream, buffer: Buffer, processing: Processing, records: Sequence[Flowing]
    ) -> tuple[list[Parcel], list[Failed]]:
        place, now = stream.destination, self._doorway.clock.now()
        found, failed = partitioned(place, records, now)
        schema = await schema_of(self._doorway, stream) if converts(place) and found else None
        parcels: list[Parcel] = []
        for partition in found:
            if schema is None:
                made = await asyncio.to_thread(parcel, stream, buffer, place, partition, processing.delimiter)
                parcels.append(made)
                continue
            rows = await asyncio.to_thread(converted, self._database, self._folder, schema, partition.records, now)
            failed += rows.failed
            counts = {"converted_records": float(len(rows.records)), "unconverted_records": float(len(rows.failed))}
            self._doorway.charges.add(_key(stream, "Conversion"), **counts)
            if rows.content:
                parcels.append(_rows(stream, buffer, partition, rows.records, rows.content))
        self._charge(stream, found, parcels)
        return parcels, failed

    def _charge(self, stream: DeliveryStream, found: Sequence[Partition], parcels: Sequence[Parcel]) -> None:
        contents = [one.content for partition in found for one in partition.records]
        if converts(stream.destination):
            self._doorway.charges.add(_key(stream, "Conversion"), converted_bytes=billed(contents))
        if partitions(stream.destination):
            units = {"partitioned_bytes": sum(one.size for one in parcels), "partition_objects": len(parcels)}
            self._doorway.charges.add(_key(stream, "Partitioning"), **units)

    async def _put(self, stream: DeliveryStream, work: Work, one: Parcel) -> None:
        """Put an object, unless it is there from an earlier try."""
        if one.key in work.done:
            return
        params: dict[str, Any] = {
            "Bucket": one.bucket,
            "Key": one.key,
            "Body": one.content,
            "ContentType": "application/octet-stream",
        }
        if one.encoding:
            params["ContentEncoding"] = one.encoding
        key = (one.place["EncryptionConfiguration"].get("KMSEncryptionConfig") or {}).get("AWSKMSKeyARN")
        if key:
            params |= {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}
        caller = stream.acting(one.place["RoleARN"])
        name = "backup" if one.backup else "s3"
        try:
            await self._doorway.ask("s3", "PutObject", params, caller, stream.region)
        except (AwsError, CallDropped):
            self._doorway.charges.add(_key(stream, "Delivery"), **{f"{name}_success": 0.0})
            raise
        work.done.add(one.key)
        units = {
            f"{name}_success": 1.0,
            f"{name}_records": float(one.records),
            f"{name}_bytes": float(one.size),
            f"{name}_freshness": max(0.0, self._doorway.clock.now() - one.oldest),
        }
        self._doorway.charges.add(_key(stream, "Delivery"), **units)

    async def _post_all(self, stream: DeliveryStream, buffer: Buffer, work: Work) -> None:
        """Bring records to an HTTP endpoint; Refused."""
        access_key = await self._access_key(stream) if work.records else ""
        for post in posts(buffer, work.records):
            if post.id in work.done:
                continue
            now = self._doorway.clock.now()
            headers, body = await asyncio.to_thread(written, stream, post, access_key, now)
            url = stream.destination["EndpointConfiguration"]["Url"]
            units = {"http_records": float(len(post.records)), "http_bytes": float(len(body))}
            try:
                answer = await self._http.send("POST", url, headers.items(), body, seconds=http_endpoint.SECONDS)
                http_endpoint.check_answer(post, answer)
            except Unreachable as error:
                self._doorway.charges.add(_key(stream, "Delivery"), http_success=0.0)
                raise Refused("HttpEndpoint.RequestTimeout", str(error)) from None
            except Refused:
                self._doorway.charges.add(_key(stream, "Delivery"), http_success=0.0)
                raise
            work.done.add(post.id)
            oldest = min(one.arrived for one in post.records)
            self._doorway.charges.add(
                _key(stream, "Delivery"), http_success=1.0, http_freshness=max(0.0, now - oldest), **units
            )

    async def _access_key(self, stream: DeliveryStream) -> str:
        settings = stream.destination.get("SecretsManagerConfiguration") or {}
        if not settings.get("Enabled"):
            return opened_secret(self._doorway.identity.sealer, stream.id, stream.secret)
        caller = stream.acting(settings.get("RoleARN") or stream.destination.get("RoleARN"))
        asked = {"SecretId": settings["SecretARN"]}
        text = (await self._doorway.ask("secretsmanager", "GetSecretValue", asked, caller, stream.region))[
            "SecretString"
        ]
        try:
            return str(orjson.loads(text)["api_key"])
        except (orjson.JSONDecodeError, KeyError, TypeError):
            raise Refused("HttpEndpoint.InvalidSecret", 'The secret is not of the form {"api_key": "…"}.') from None

    async def _give_up_posts(self, stream: DeliveryStream, buffer: Buffer, error: Refused) -> None:
        """Send what the endpoint does not take to S3 instead."""
        work, now = self._works[stream.id], self._doorway.clock.now()
        left = [one for post in posts(buffer, work.records) if post.id not in work.done for one in post.records]
        attempts = buffer.attempts + 1
        failed = [Failed("http-endpoint-failed", one, error.code, error.message, attempts, now) for one in left]
        await report(self._doorway, stream, stream.destination, "", failed[0])
        place = stream.destination["S3DestinationDescription"]
        parcels = await asyncio.to_thread(error_parcels, stream, buffer, place, failed)
        self._works[stream.id] = work._replace(parcels=work.parcels + parcels, records=[])

    async def _failed(self, stream: DeliveryStream, error: AwsError | CallDropped, where: str) -> None:
        """Say why a buffer is not delivered, in the process's log and where the stream logs its errors."""
        logger.warning("firehose:%s is not delivered: %r", stream.name, error)
        code = f"{where}.{error.code}" if isinstance(error, AwsError) else f"{where}.Timeout"
        text = error.message if isinstance(error, AwsError) else "The call was not answered."
        now = self._doorway.clock.now()
        one = Failed("processing-failed", Flowing("", b"", now), code, text, 1, now)
        place = stream.destination
        bucket = place.get("BucketARN") or place["S3DestinationDescription"]["BucketARN"]
        await report(self._doorway, stream, place, bucket, one)


def _key(stream: DeliveryStream, what: str) -> ChargeKey:
    return ChargeKey(stream.account, stream.region, "", stream.node, "firehose", what)


def _backup(stream: DeliveryStream, buffer: Buffer, place: dict[str, Any], given: list[Flowing]) -> Parcel:
    """The object of the records as they came; blocks."""
    oldest = min(one.arrived for one in given)
    prefix = evaluated(place.get("Prefix") or "", oldest, place.get("CustomTimeZone") or "UTC")
    return parcel(stream, buffer, place, Partition(prefix, given), backup=True)


def _rows(
    stream: DeliveryStream, buffer: Buffer, partition: Partition, records: Sequence[Flowing], content: bytes
) -> Parcel:
    """The object of a Parquet file."""
    place = stream.destination
    oldest = min(one.arrived for one in records)
    name = named(stream, buffer, place, oldest, f"rows/{partition.prefix}")
    key = f"{partition.prefix}{name}{place.get('FileExtension') or '.parquet'}"
    return Parcel(place, key, content, len(records), len(content), oldest)


@transactional
async def _postpone(tx: Transaction, buffer: Buffer) -> None:
    await buffers.put(tx, buffer)
    wake(tx, buffer, buffer.next_try)
