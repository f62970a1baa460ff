"""What runs for IoT Analytics while the platform does: channels' messages, pipelines, data sets, retention."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kumoi.doorway import Doorway, Parts
from kumoi.lake import Lake
from kumoi.services.iotanalytics import channel_export, dataset_schedules, retention
from kumoi.services.iotanalytics.channel_export import ChannelExport
from kumoi.services.iotanalytics.channel_log import ChannelLog
from kumoi.services.iotanalytics.channel_shapes import ChannelShapes
from kumoi.services.iotanalytics.content_maker import ContentMaker
from kumoi.services.iotanalytics.dataset_schedules import Scheduling
from kumoi.services.iotanalytics.records import places, segments
from kumoi.services.iotanalytics.reports import Reports
from kumoi.services.iotanalytics.retention import Sweeper
from kumoi.services.iotanalytics.runner import Runner
from kumoi.services.iotanalytics.segments import SegmentFiles
from kumoi.state import State
from kumoi.state.timers import TimerRunner


@asynccontextmanager
async def running(parts: Parts) -> AsyncIterator[None]:
    """Build the parts, and go on with what an earlier process left behind."""
    doorway, timers = parts[Doorway], parts[TimerRunner]
    log = parts.add(ChannelLog, ChannelLog(parts[Lake]))
    shapes = parts.add(ChannelShapes, ChannelShapes())
    files = parts.add(SegmentFiles, SegmentFiles(doorway.directory("iotanalytics") / "datastores"))
    reports = parts.add(Reports, Reports(doorway))
    runner = parts.add(Runner, Runner(doorway, log, shapes, files, reports))
    maker = parts.add(
        ContentMaker, ContentMaker(doorway, files, reports, doorway.directory("iotanalytics") / "contents")
    )
    export = parts.add(ChannelExport, ChannelExport(doorway, log, files))
    timers.on(channel_export.TOPIC, export.write)
    timers.on(retention.TOPIC, Sweeper(doorway.state, log, files).sweep)
    timers.on(dataset_schedules.TOPIC, Scheduling(doorway.state, maker).fire)
    await runner.resume()
    await maker.resume()
    try:
        yield
    finally:
        await maker.stop()
        await runner.stop()
        files.close()


async def forget(parts: Parts, state: State, account: str | None) -> None:
    """Stop what works for an account, or for all, and remove its files."""
    await parts[Runner].forget(account)
    for place in await state.at("", "").run(places.list):
        if account in (None, place.account):
            await parts[SegmentFiles].remove(await state.at(place.account, place.region).run(segments.list))
    await parts[ContentMaker].forget(account)
    parts[ChannelLog].forget(account)
    parts[ChannelShapes].forget(account)
