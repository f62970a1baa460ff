"""What Pipes stores: the pipes. Times are epoch seconds."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Principal
from kumoi.event_sources import Kind, Source
from kumoi.names import Arn
from kumoi.state.space import Space

PARAMETERS: dict[Kind, str] = {
    "sqs": "SqsQueueParameters",
    "kinesis": "KinesisStreamParameters",
    "dynamodb": "DynamoDBStreamParameters",
}
"""The member of SourceParameters that belongs to a kind of source."""

USUAL_BATCH: dict[Kind, int] = {"sqs": 10, "kinesis": 100, "dynamodb": 100}


class Pipe(msgspec.Struct, frozen=True, kw_only=True):
    """A pipe. `source_parameters`, `enrichment_parameters` and `target_parameters` are as the client gave them.

    `id` sets it apart from one of the same name deleted before.
    """

    name: str
    id: str
    account: str
    region: str
    arn: str
    role: str
    source: str
    kind: Kind
    target: str
    running: bool
    created: float
    modified: float
    enrichment: str | None = None
    source_parameters: dict[str, Any] = {}
    enrichment_parameters: dict[str, Any] = {}
    target_parameters: dict[str, Any] = {}
    description: str | None = None
    log_configuration: dict[str, Any] | None = None
    kms_key: str | None = None
    tags: dict[str, str] = {}

    @property
    def reading(self) -> Source:
        """What is read, and how."""
        given = self.source_parameters.get(PARAMETERS[self.kind], {})
        filters = self.source_parameters.get("FilterCriteria", {}).get("Filters", ())
        return Source(
            id=self.id,
            account=self.account,
            region=Arn.parse(self.source).region or self.region,
            arn=self.source,
            kind=self.kind,
            batch_size=given.get("BatchSize", USUAL_BATCH[self.kind]),
            window=given.get("MaximumBatchingWindowInSeconds", 0),
            filters=tuple(one.get("Pattern", "") for one in filters),
            starting_position=given.get("StartingPosition"),
            starting_timestamp=given.get("StartingPositionTimestamp"),
            parallelization=given.get("ParallelizationFactor", 1),
            max_retries=given.get("MaximumRetryAttempts", -1),
            max_age=given.get("MaximumRecordAgeInSeconds", -1),
            bisect=given.get("OnPartialBatchItemFailure") == "AUTOMATIC_BISECT",
            flat=True,
        )

    @property
    def dead_letters(self) -> str | None:
        """Where a stream's lost records are told of, an ARN."""
        given = self.source_parameters.get(PARAMETERS[self.kind], {})
        found: str | None = (given.get("DeadLetterConfig") or {}).get("Arn")
        return found


pipes: Space[Pipe] = Space("pipes.pipe", Pipe, lambda pipe: (pipe.account, pipe.region, pipe.name), scope="global")


def acting(pipe: Pipe) -> Principal:
    """A pipe as it reads its source, enriches, and hands over: in its role."""
    return Principal.of_role(pipe.account, pipe.role, pipe.name, f"pipes:{pipe.name}")
