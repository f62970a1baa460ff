"""What IoT Analytics stores. Times are epoch seconds, places in a channel epoch milliseconds and the lake's seq.

`id` sets a thing apart from one of the same name that was deleted before. What a client says of a thing is kept as it
was said, under AWS's member names.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from kumoi.state.space import Space


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """What channels, pipelines, data stores and data sets have in common."""

    name: str
    id: str
    created: float
    updated: float
    tags: dict[str, str] = {}


class ChannelRecord(Named, frozen=True, kw_only=True):
    """A channel."""

    storage: dict[str, Any]
    retention: dict[str, Any] | None = None


class DatastoreRecord(Named, frozen=True, kw_only=True):
    """A data store."""

    storage: dict[str, Any]
    format: dict[str, Any]
    partitions: dict[str, Any] | None = None
    retention: dict[str, Any] | None = None


class PipelineRecord(Named, frozen=True, kw_only=True):
    """A pipeline; `activities` are in the order they were listed in, which need not be that of the chain."""

    activities: list[dict[str, Any]]

    @property
    def channel(self) -> str:
        """The name of the channel it reads."""
        return next(str(one["channel"]["channelName"]) for one in self.activities if "channel" in one)

    @property
    def datastore(self) -> str:
        """The name of the data store it writes."""
        return next(str(one["datastore"]["datastoreName"]) for one in self.activities if "datastore" in one)


class Position(msgspec.Struct, frozen=True):
    """How far a pipeline, or one reprocessing of it, has come in its channel, and what became of the messages."""

    pipeline_id: str
    run: str
    time: int
    seq: int
    read: int = 0
    stored: int = 0
    failed: int = 0


class ChannelShape(msgspec.Struct, frozen=True):
    """A shape that messages of a channel have (`shapes.py`): its name, which one it was, the types of attributes."""

    channel_id: str
    name: str
    number: int
    types: dict[str, Any]


class Export(msgspec.Struct, frozen=True):
    """How far a channel's messages were written to its bucket, and up to which message the next object goes."""

    channel_id: str
    time: int
    seq: int
    number: int
    pending: tuple[int, int] | None = None


class Reprocessing(msgspec.Struct, frozen=True, kw_only=True):
    """One reprocessing of a pipeline: of the messages of a time (`end` is exclusive), or of objects in S3."""

    pipeline: str
    id: str
    created: float
    status: Literal["RUNNING", "SUCCEEDED", "CANCELLED", "FAILED"]
    start: int | None = None
    end: int | None = None
    paths: list[str] = []


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """A Parquet file of a data store: rows of one day and one partition, with the DuckDB type of each column.

    `source` says which messages it was made of: the pipeline's id, the run, and the last place in the channel.
    """

    datastore_id: str
    id: str
    path: str
    day: str
    partition: dict[str, str]
    columns: dict[str, Any]
    rows: int
    size: int
    created: float
    source: tuple[str, str, int, int]


class DatasetRecord(Named, frozen=True, kw_only=True):
    """A data set. `window_end` (epoch seconds) is where the last delta window ended."""

    actions: list[dict[str, Any]]
    triggers: list[dict[str, Any]] = []
    delivery: list[dict[str, Any]] = []
    late: list[dict[str, Any]] = []
    retention: dict[str, Any] | None = None
    versioning: dict[str, Any] | None = None
    window_end: float | None = None

    @property
    def query(self) -> dict[str, Any] | None:
        """What its query action says; None for a container's."""
        return self.actions[0].get("queryAction")


class Entry(msgspec.Struct, frozen=True):
    """A file of a content: its name ("" for the only one), where it lies below the files of contents, and its type."""

    name: str
    path: str
    media: str


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a data set's content. `window` is its delta window, start and end (epoch seconds)."""

    dataset_id: str
    version: str
    created: float
    state: Literal["CREATING", "SUCCEEDED", "FAILED"]
    reason: str | None = None
    scheduled: float | None = None
    completed: float | None = None
    window: tuple[float, float] | None = None
    entries: list[Entry] = []


class LoggingOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What PutLoggingOptions said."""

    role: str
    level: str
    enabled: bool


def _name(record: Named) -> tuple[str]:
    return (record.name,)


channels: Space[ChannelRecord] = Space("iotanalytics.channel", ChannelRecord, _name, remembered=True)
datastores: Space[DatastoreRecord] = Space("iotanalytics.datastore", DatastoreRecord, _name)
pipelines: Space[PipelineRecord] = Space("iotanalytics.pipeline", PipelineRecord, _name)
positions: Space[Position] = Space("iotanalytics.position", Position, lambda one: (one.pipeline_id, one.run))
channel_shapes: Space[ChannelShape] = Space("iotanalytics.shape", ChannelShape, lambda one: (one.channel_id, one.name))
exports: Space[Export] = Space("iotanalytics.export", Export, lambda one: (one.channel_id,))
reprocessings: Space[Reprocessing] = Space(
    "iotanalytics.reprocessing", Reprocessing, lambda one: (one.pipeline, one.id)
)
segments: Space[Segment] = Space("iotanalytics.segment", Segment, lambda one: (one.datastore_id, one.day, one.id))
datasets: Space[DatasetRecord] = Space("iotanalytics.dataset", DatasetRecord, _name)
contents: Space[Content] = Space("iotanalytics.content", Content, lambda one: (one.dataset_id, one.version))
logging_options: Space[LoggingOptions] = Space("iotanalytics.logging", LoggingOptions, lambda _: ())


class Place(msgspec.Struct, frozen=True):
    """A place (account, region) that has pipelines or data sets: what to wake at the next start."""

    account: str
    region: str


places: Space[Place] = Space("iotanalytics.place", Place, lambda one: (one.account, one.region), scope="global")
