"""A round of lifecycle rules in small pages, against one that looks at a whole bucket at once."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kumoi.clock import Clock
from kumoi.services.s3 import lifecycle
from kumoi.services.s3.lifecycle_decisions import about_current, about_lone_marker, about_noncurrent
from kumoi.services.s3.lifecycle_rules import DAY, Rule, rules_of
from kumoi.services.s3.records import Bucket, ObjectVersion, buckets, current, others
from kumoi.services.s3.sequences import Sequences
from kumoi.services.s3.settings import configure
from kumoi.services.s3.versions import add_marker, write
from kumoi.state import State, Transaction
from kumoi.state.sqlite import SqliteState

NOW = 100 * DAY + 1
KEYS = ("a", "a/b", "b", "é")

days = st.integers(1, 40)
rule = st.fixed_dictionaries(
    {"Filter": st.fixed_dictionaries({"Prefix": st.sampled_from(["", "", "a", "a/", "b"])})},
    optional={
        "Expiration": st.one_of(days.map(lambda n: {"Days": n}), st.just({"ExpiredObjectDeleteMarker": True})),
        "Transitions": days.map(lambda n: [{"Days": n, "StorageClass": "GLACIER"}]),
        "NoncurrentVersionExpiration": st.tuples(days, st.integers(0, 2)).map(
            lambda pair: {"NoncurrentDays": pair[0], "NewerNoncurrentVersions": pair[1]}
        ),
    },
)
event = st.tuples(st.sampled_from(KEYS), st.integers(0, 50).map(lambda n: n * 2 * DAY), st.booleans())


class Still(Clock):
    """A clock that stands."""

    def now(self) -> float:
        return NOW


async def fill(
    tx: Transaction,
    sequences: Sequences,
    bucket: Bucket,
    events: list[tuple[str, int, bool]],
    content: dict[str, Any],
) -> None:
    await buckets.put(tx, bucket)
    await configure(tx, bucket, "Lifecycle", content)
    for key, modified, marker in sorted(events, key=lambda one: one[1]):
        row = key.encode()
        old = await current.get(tx, bucket.id, row)
        if not marker:
            fields = {"key": key, "modified": modified, "size": 200_000, "blob": "b"}
            await write(tx, sequences, bucket, row, old, fields, None)
        elif bucket.versioning:
            await add_marker(tx, sequences, bucket, row, key, modified)
    await lifecycle.rounds.put(tx, lifecycle.Round(bucket=bucket.id, name=bucket.name, due=1))


async def everything(tx: Transaction) -> list[ObjectVersion]:
    return [*await current.list(tx, 1), *await others.list(tx, 1)]


def expected(rules: list[Rule], found: list[ObjectVersion], versioned: bool) -> set[tuple[str, int, str]]:
    """(key, time, class) of the versions that are left; the class of markers is MARKER."""
    left: set[tuple[str, int, str]] = set()
    for key in KEYS:
        versions = sorted((one for one in found if one.key == key), key=lambda one: -one.seq)
        told = [(one, one.storage_class) for one in versions]
        if versions and not versions[0].marker:
            decision = about_current(rules, versions[0], NOW)
            if decision.expires:
                marker = ObjectVersion(bucket=1, key=key, seq=10**6, modified=NOW, marker=True)
                told = [(marker, "STANDARD"), *told] if versioned else []
            elif decision.storage_class:
                told[0] = versions[0], decision.storage_class
        kept = told[:1]
        newer = 0
        for (over, _), (one, storage_class) in pairwise(told):
            if not about_noncurrent(rules, one, over.modified, newer, NOW).expires:
                kept.append((one, storage_class))
            newer += not one.marker
        if len(told) == 1 and told[0][0].marker and about_lone_marker(rules, told[0][0], NOW).expires:
            kept = []
        left.update((one.key, one.modified, "MARKER" if one.marker else kind) for one, kind in kept)
    return left


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    events=st.lists(event, max_size=14),
    rules=st.lists(rule, min_size=1, max_size=3),
    versioning=st.sampled_from(["Enabled", "Enabled", ""]),
)
def test_a_round_in_pages(events: list[tuple[str, int, bool]], rules: list[dict[str, Any]], versioning: str) -> None:
    content = {"Rules": [{"ID": str(number), "Status": "Enabled", **one} for number, one in enumerate(rules)]}
    bucket = Bucket(name="b", id=1, account="1", region="r", created=0.0, secret=b"s" * 16, versioning=versioning)

    async def go(state: State) -> tuple[set[tuple[str, int, str]], set[tuple[str, int, str]]]:
        sequences = Sequences()
        await state.run(fill, sequences, bucket, events, content)
        wanted = expected(rules_of(content), await state.run(everything), bool(versioning))
        steps = 0
        while await lifecycle._step(state, None, sequences, "b"):
            steps += 1
            assert steps < 200
        found = await state.run(everything)
        return wanted, {(one.key, one.modified, "MARKER" if one.marker else one.storage_class) for one in found}

    async def main() -> tuple[set[tuple[str, int, str]], set[tuple[str, int, str]]]:
        state = await SqliteState.open(None, clock=Still())
        try:
            return await go(state.at("1", "r"))
        finally:
            await state.close()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lifecycle, "PAGE", 3)
        patch.setattr(lifecycle, "ACTS", 2)
        wanted, found = asyncio.run(main())
    assert found == wanted
