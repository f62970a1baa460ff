"""Channels with customer-managed storage: their messages as objects in the customer's bucket.

Messages are taken into the lake first, so that they are durable when they are acknowledged, and written to the bucket
some seconds later: `channel/NAME/__dt=DAY 00:00:00/FIRST_LAST_ACCOUNT_NAME_0_NUMBER.0.json.gz`, a message a line, what
is not text as a JSON string of base64. What is to be written is stored before, so that a try after a crash writes the
same object again. Source: the user guide, "Reprocessing channel data".
"""

from __future__ import annotations

import gzip
import io
import re
import zlib
from collections.abc import Sequence
from itertools import takewhile

import msgspec
import orjson

from kumoi.doorway import Doorway, Principal
from kumoi.lake import Cursor, Row
from kumoi.services.iotanalytics.channel_log import ChannelKey, ChannelLog, day_of, payload_of
from kumoi.services.iotanalytics.records import Export, channels, exports
from kumoi.services.iotanalytics.segments import SegmentFiles
from kumoi.services.iotanalytics.storage_rules import service_managed
from kumoi.state import State, Timer, Transaction, transactional

TOPIC = "iotanalytics.export"
PAUSE = 5.0
"""Seconds of platform time that messages are gathered for."""
MOST_BYTES = 256 << 20
"""Bytes that an object has at most, once it is unpacked, to be read again."""
_DAY = re.compile(r"__dt=(\d{4}-\d\d-\d\d)")


class ChannelExport:
    """Writes messages to customers' buckets."""

    def __init__(self, doorway: Doorway, log: ChannelLog, files: SegmentFiles) -> None:
        self._doorway = doorway
        self._log = log
        self._files = files
        self._set: set[ChannelKey] = set()

    async def arrived(self, state: State, key: ChannelKey) -> None:
        """Have what has come into a channel written soon."""
        if key not in self._set:
            await _set_timer(state, key.name)
            self._set.add(key)

    async def write(self, timer: Timer) -> None:
        """Write what has come into the channel of a timer."""
        state, name = self._doorway.state.at(timer.account, timer.region), timer.key
        self._set = {key for key in self._set if key[:3] != (timer.account, timer.region, name)}
        while await self._object(state, timer, name):
            pass

    async def _object(self, state: State, timer: Timer, name: str) -> bool:
        channel = await state.run(channels.get, name)
        if channel is None or service_managed(channel.storage):
            return False
        key = ChannelKey(timer.account, timer.region, name, channel.id)
        export = await _get(state, key)
        rows = await self._log.read(key, Cursor(export.time, export.seq))
        if not rows:
            return False
        day = day_of(rows[0]["time"] / 1000)
        rows = list(takewhile(lambda row: day_of(row["time"] / 1000) == day, rows))
        if export.pending is None:
            export = await _intend(state, export, (rows[-1]["time"], rows[-1]["seq"]))
        assert export.pending is not None
        rows = [row for row in rows if (row["time"], row["seq"]) <= export.pending]
        body = await self._files.run(_packed, rows)
        storage = channel.storage["customerManagedS3"]
        file = f"{rows[0]['time']}_{rows[-1]['time']}_{timer.account}_{name}_0_{export.number}.0.json.gz"
        target = f"{storage.get('keyPrefix', '')}channel/{name}/__dt={day}/{file}"
        caller = Principal.of_role(timer.account, storage["roleArn"], "iotanalytics", f"iotanalytics:{name}")
        params = {"Bucket": storage["bucket"], "Key": target, "Body": body}
        await self._doorway.ask("s3", "PutObject", params, caller, timer.region)
        await _done(state, export)
        return True


def day_of_path(path: str) -> str | None:
    """The day that an object's key names."""
    match = _DAY.search(path)
    return f"{match[1]} 00:00:00" if match else None


def unpacked(body: bytes) -> list[bytes]:
    """The payloads of an object's messages; OSError, EOFError or ValueError when it is no such object."""
    plain = body
    if body[:2] == b"\x1f\x8b":
        try:
            with gzip.open(io.BytesIO(body)) as packed:
                plain = packed.read(MOST_BYTES + 1)
        except zlib.error as error:
            raise ValueError(str(error)) from None
    if len(plain) > MOST_BYTES:
        raise ValueError(f"it has more than {MOST_BYTES} bytes")
    return [line for line in plain.split(b"\n") if line.strip()]


def _packed(rows: Sequence[Row]) -> bytes:
    """Rows as an object has them; each is packed at once, for orjson's buffer of a line takes some kilobytes."""
    body = io.BytesIO()
    with gzip.GzipFile(fileobj=body, mode="wb", compresslevel=1, mtime=0) as packed:
        for row in rows:
            packed.write(_line(row))
            packed.write(b"\n")
    return body.getvalue()


def _line(row: Row) -> bytes:
    if row["encoded"]:
        return orjson.dumps(row["payload"])
    payload = payload_of(row)
    if b"\n" not in payload:
        return payload
    try:
        return orjson.dumps(orjson.loads(payload))
    except orjson.JSONDecodeError:
        return orjson.dumps(row["payload"])


@transactional
async def _set_timer(tx: Transaction, name: str) -> None:
    tx.timer(tx.now + PAUSE, TOPIC, key=name)


@transactional
async def _get(tx: Transaction, key: ChannelKey) -> Export:
    return await exports.get(tx, key.id) or Export(key.id, 0, 0, 0)


@transactional
async def _intend(tx: Transaction, export: Export, pending: tuple[int, int]) -> Export:
    changed = msgspec.structs.replace(export, pending=pending)
    await exports.put(tx, changed)
    return changed


@transactional
async def _done(tx: Transaction, export: Export) -> None:
    if export.pending is not None:
        time, seq = export.pending
        await exports.put(tx, Export(export.channel_id, time, seq, export.number + 1))
