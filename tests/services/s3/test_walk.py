"""The walk over a bucket, and the rows of versions, against models that know nothing of rows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kumoi.clock import Clock
from kumoi.services.s3 import versions, walk
from kumoi.services.s3.bodies import inline_body
from kumoi.services.s3.records import OWN_LIMIT, Bucket, ObjectVersion, current, others
from kumoi.services.s3.sequences import ROOM, Sequences
from kumoi.services.s3.version_ids import own_sequence, version_id
from kumoi.state import Transaction
from kumoi.state.sqlite import SqliteState

BUCKET = Bucket(name="b", id=1, account="1", region="r", created=0.0, secret=b"s" * 16)

text = st.text(st.sampled_from("ab/\x00é\U0001f600"), max_size=4)


def run(scenario: Callable[[SqliteState], Awaitable[Any]]) -> None:
    async def main() -> None:
        state = await SqliteState.open(None, clock=Clock())
        try:
            await scenario(state.at("1", "r"))
        finally:
            await state.close()

    asyncio.run(main())


def listed(keys: list[str], prefix: str, delimiter: str, marker: str) -> list[str]:
    """What a listing holds: keys and common prefixes, each in its place."""
    found: list[str] = []
    for key in sorted(keys, key=lambda key: key.encode()):
        if not key.startswith(prefix):
            continue
        at = key.find(delimiter, len(prefix)) if delimiter else -1
        item = key if at < 0 else key[: at + len(delimiter)]
        hidden = item.encode() <= marker.encode() or (at >= 0 and marker.startswith(item))
        if not hidden and item not in found:
            found.append(item)
    return found


async def fill(tx: Transaction, keys: list[str]) -> None:
    for number, key in enumerate(keys):
        await current.put(tx, ObjectVersion(bucket=1, key=key, seq=number, modified=0))


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    keys=st.lists(text.filter(bool), max_size=30, unique=True),
    prefix=text,
    delimiter=st.sampled_from(["", "/", "a", "/a", "\x00"]),
    marker=text,
    size=st.integers(1, 7),
)
def test_pages_hold_what_the_model_says(keys: list[str], prefix: str, delimiter: str, marker: str, size: int) -> None:
    async def scenario(state: SqliteState) -> None:
        await state.run(fill, keys)
        found: list[str] = []
        behind, more = marker.encode(), True
        while more:
            page = await state.run(walk.objects, BUCKET, prefix.encode(), delimiter.encode(), behind, size)
            raw = [item if isinstance(item, bytes) else item.key.encode() for item in page.items]
            found += [item.decode() for item in raw]
            more = page.more
            assert len(raw) == size or not more
            behind = raw[-1] if raw else behind
        assert found == listed(keys, prefix, delimiter, marker)

    run(scenario)


class Model:
    """Versions of keys, newest first: (sequence number, null, delete marker)."""

    def __init__(self) -> None:
        self.keys: dict[str, list[tuple[int, bool, bool]]] = {}
        self.versioning = ""
        self.seq = 0

    def write(self, key: str, marker: bool) -> None:
        self.seq += ROOM
        versions = self.keys.setdefault(key, [])
        null = self.versioning != "Enabled"
        if null:
            versions[:] = [one for one in versions if not one[1]]
        versions.insert(0, (self.seq, null, marker))

    def delete(self, key: str) -> None:
        if self.versioning:
            self.write(key, True)
        else:
            self.keys.pop(key, None)

    def rows(self) -> list[tuple[str, int, bool, bool]]:
        return [(key, *version) for key in sorted(self.keys) for version in self.keys[key]]


steps = st.lists(
    st.tuples(
        st.sampled_from(["put", "delete", "remove", "enable", "suspend"]), st.sampled_from("abc"), st.integers(0, 3)
    ),
    max_size=25,
)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=steps, size=st.integers(1, 4))
def test_versions_are_those_of_the_model(steps: list[tuple[str, str, int]], size: int) -> None:
    async def scenario(state: SqliteState) -> None:
        model, bucket, sequences = Model(), BUCKET, Sequences()
        for action, key, which in steps:
            row = key.encode()
            if action in ("enable", "suspend"):
                model.versioning = "Enabled" if action == "enable" else "Suspended"
                bucket = msgspec.structs.replace(BUCKET, versioning=model.versioning)
            elif action == "put":
                model.write(key, False)
                await state.run(put, sequences, bucket, key, which)
            elif action == "delete":
                model.delete(key)
                await state.run(delete, sequences, bucket, key)
            elif len(model.keys.get(key, ())) > which:
                seq, null, _ = model.keys[key].pop(which)
                wanted = "null" if null else version_id(bucket, seq)
                found = await state.run(versions.find, bucket, row, wanted)
                assert found is not None and found.seq == seq
                await state.run(versions.remove, sequences, bucket, row, found)
            for name, known in model.keys.items():
                now = await state.run(get_current, bucket, name.encode())
                newest = known[0] if known else None
                assert (now.seq if now else None) == (newest[0] if newest and not newest[2] else None)
        rows: list[tuple[str, int, bool, bool]] = []
        key_marker, seq_marker, more = b"", None, True
        while more:
            page = await state.run(walk.versions, bucket, b"", b"", key_marker, seq_marker, size)
            for item in page.items:
                assert not isinstance(item, bytes)
                rows.append((item.key, item.seq, item.null, item.marker))
            more = page.more
            if page.items:
                key_marker, seq_marker = rows[-1][0].encode(), rows[-1][1]
        assert rows == model.rows()
        assert await state.run(bodies_beside) == await state.run(large_versions)

    run(scenario)


async def get_current(tx: Transaction, bucket: Bucket, key: bytes) -> ObjectVersion | None:
    return await current.get(tx, bucket.id, key)


async def put(tx: Transaction, sequences: Sequences, bucket: Bucket, key: str, which: int) -> None:
    """Write a version: empty, small, or larger than lies in its own row."""
    old = await current.get(tx, bucket.id, key.encode())
    body = key.encode() * (0, 1, OWN_LIMIT, OWN_LIMIT + 1)[which]
    fields = {"key": key, "modified": 0, "size": len(body)}
    written = await versions.write(tx, sequences, bucket, key.encode(), old, fields, body)
    assert await inline_body(tx, written) == body


async def bodies_beside(tx: Transaction) -> int:
    return len(await tx.values(("s3.body",)))


async def large_versions(tx: Transaction) -> int:
    """How many versions have a body that is not in their row; each of them is whole."""
    found = [*await current.list(tx), *await others.list(tx)]
    for version in found:
        assert len(await inline_body(tx, version)) == version.size
    return sum(version.size > OWN_LIMIT for version in found)


async def delete(tx: Transaction, sequences: Sequences, bucket: Bucket, key: str) -> None:
    if bucket.versioning:
        await versions.add_marker(tx, sequences, bucket, key.encode(), key, 0)
        return
    found = await current.get(tx, bucket.id, key.encode())
    if found is not None:
        await versions.remove(tx, sequences, bucket, key.encode(), found)


def test_groups_of_versions_are_skipped() -> None:
    async def scenario(state: SqliteState) -> None:
        enabled = msgspec.structs.replace(BUCKET, versioning="Enabled")
        sequences = Sequences()
        for number in range(40):
            await state.run(put, sequences, enabled, f"a/{number % 20}", 1)
        await state.run(put, sequences, enabled, "b", 1)
        page = await state.run(walk.versions, enabled, b"", b"/", b"", None, 10)
        assert [item if isinstance(item, bytes) else item.key for item in page.items] == [b"a/", "b"]
        behind = await state.run(walk.versions, enabled, b"", b"/", b"a/", None, 10)
        assert [item if isinstance(item, bytes) else item.key for item in behind.items] == ["b"]

    run(scenario)


@given(seq=st.integers(1, 2**62))
def test_ids_of_versions_come_back_as_they_went(seq: int) -> None:
    text = version_id(BUCKET, seq)
    assert len(text) == 32
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._")
    assert own_sequence(BUCKET, text) == seq


def test_bodies_of_older_data_are_read_and_written_over() -> None:
    """Small bodies used to lie beside their object's row, as larger ones still do."""

    async def scenario(state: SqliteState) -> None:
        async def older(tx: Transaction) -> ObjectVersion:
            version = ObjectVersion(bucket=1, key="a", seq=ROOM, modified=0, size=3)
            await current.put(tx, version)
            await tx.put(versions.body_key(version), b"old")
            return version

        version = await state.run(older)
        assert await state.run(inline_body, version) == b"old"
        await state.run(put, Sequences(), BUCKET, "a", 1)
        assert await state.run(bodies_beside) == 0
        version = await state.run(older)
        await state.run(versions.remove, Sequences(), BUCKET, b"a", version)
        assert await state.run(bodies_beside) == 0

    run(scenario)
