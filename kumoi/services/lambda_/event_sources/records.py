"""What is stored of event source mappings: the mappings themselves, and how far each shard of a stream has come."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from kumoi.state.space import Space

Kind = Literal["sqs", "dynamodb", "kinesis"]


class Mapping(msgspec.Struct, frozen=True, kw_only=True):
    """One event source mapping. `function_arn` is as the caller named the function, with its qualifier.

    -1 means without limit for `max_retries` and `max_age` (seconds). Times in epoch seconds.
    """

    uuid: str
    account: str
    region: str
    source_arn: str
    kind: Kind
    function: str
    function_arn: str
    enabled: bool
    batch_size: int
    window: int
    last_modified: float
    filters: tuple[str, ...] = ()
    response_types: tuple[str, ...] = ()
    max_concurrency: int | None = None
    on_failure: str | None = None
    starting_position: str | None = None
    starting_timestamp: float | None = None
    parallelization: int = 1
    max_retries: int = -1
    max_age: int = -1
    bisect: bool = False
    tumbling_window: int = 0
    tags: dict[str, str] = {}
    extras: dict[str, Any] = {}

    @property
    def reports_failures(self) -> bool:
        """Whether the function says which records of a batch failed."""
        return "ReportBatchItemFailures" in self.response_types


class Checkpoint(msgspec.Struct, frozen=True):
    """How far a shard has come: the last sequence number done with; `window`: the state of an open tumbling window.

    A shard of which nothing is done yet has the `iterator` at which reading begins.
    """

    uuid: str
    shard: str
    sequence_number: str
    window: dict[str, Any] | None = None
    iterator: str | None = None


mappings: Space[Mapping] = Space(
    "lambda.mapping", Mapping, lambda one: (one.account, one.region, one.uuid), scope="global"
)
checkpoints: Space[Checkpoint] = Space(
    "lambda.checkpoint", Checkpoint, lambda one: (one.uuid, one.shard), scope="global"
)
