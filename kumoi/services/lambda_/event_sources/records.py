"""What is stored of event source mappings."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.event_sources import Kind, Source
from kumoi.state.space import Space


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

    @property
    def source(self) -> Source:
        """What is read, and how."""
        return Source(
            id=self.uuid,
            account=self.account,
            region=self.region,
            arn=self.source_arn,
            kind=self.kind,
            batch_size=self.batch_size,
            window=self.window,
            filters=self.filters,
            max_concurrency=self.max_concurrency,
            starting_position=self.starting_position,
            starting_timestamp=self.starting_timestamp,
            parallelization=self.parallelization,
            max_retries=self.max_retries,
            max_age=self.max_age,
            bisect=self.bisect,
            tumbling_window=self.tumbling_window,
        )


mappings: Space[Mapping] = Space(
    "lambda.mapping", Mapping, lambda one: (one.account, one.region, one.uuid), scope="global"
)
