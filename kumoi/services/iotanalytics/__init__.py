"""AWS IoT Analytics: messages go into channels, through pipelines into data stores, and data sets are queries of those.

AWS closed the service; its API lives on here, from a declaration of our own (`kumoi/wire/declarations`). A channel is
rows of the lake (`channel_log.py`). A pipeline reads its channel from a position onwards, a batch at a time
(`runner.py`): the activities (`activities/`) make rows of messages, the rows become Parquet segments (`segments.py`),
and one transaction lists the segments and moves the position, so that each message enters the store once. A data set's
content (`content_maker.py`) is a query in Presto's dialect (`kumoi/presto`) over the segments listed.

Rules: the IoT Analytics API reference and user guide.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from kumoi.doorway import Parts, Service
from kumoi.state import State

iotanalytics = Service(
    "iotanalytics",
    __name__,
    modules=(
        "operations.activities",
        "operations.channels",
        "operations.contents",
        "operations.datasets",
        "operations.datastores",
        "operations.live",
        "operations.logging",
        "operations.messages",
        "operations.pipelines",
        "operations.reprocessing",
        "operations.tags",
    ),
    resource=("channelName", "pipelineName", "datastoreName", "datasetName", "resourceArn"),
    data_planes=("iotanalytics-content", "iotanalytics-live"),
    authorization="authorization",
    directories=("iotanalytics",),
)


@iotanalytics.lifespan
async def run(parts: Parts) -> AsyncIterator[None]:
    """Keep pipelines and data sets running while the platform does."""
    from kumoi.services.iotanalytics.lifespan import running

    async with running(parts):
        yield


@iotanalytics.on_reset
async def reset(parts: Parts, state: State, account: str | None) -> None:
    """Stop what works for an account and drop its segments."""
    from kumoi.services.iotanalytics.lifespan import forget

    await forget(parts, state, account)
