"""Which rows a content with a deltaTime filter is about, and which versions of contents are kept. Pure.

A run at T with period P and offset o reads [T-P+o, T+o); windows follow one another without gap or overlap: after a
pause, the next run reads everything since the last window's end. Source: the user guide, "Getting data set content
with a delta window", "Configuring versions and retention".
"""

from __future__ import annotations

from collections.abc import Sequence

from kumoi.schedules import Schedule
from kumoi.services.iotanalytics.records import Content, DatasetRecord

DAY = 86_400
DEFAULT_DAYS = 90


def window(
    offset: float, now: float, scheduled: float | None, schedule: Schedule | None, last_end: float | None
) -> tuple[float, float]:
    """The window of a run, in epoch seconds: start, and end (exclusive). A first manual run reads everything."""
    end = (now if scheduled is None else scheduled) + offset
    start = last_end
    if start is None:
        start = 0.0
        if scheduled is not None and schedule is not None:
            following = schedule.next_time(scheduled)
            start = scheduled - ((following or scheduled) - scheduled) + offset
    return min(start, end), end


def expired(dataset: DatasetRecord, listed: Sequence[Content], now: float) -> list[Content]:
    """The versions that are not kept any longer; the latest and the latest that succeeded are within their age."""
    retention, versioning = dataset.retention or {}, dataset.versioning or {}
    days = None if retention.get("unlimited") else retention.get("numberOfDays", DEFAULT_DAYS)
    newest = sorted((one for one in listed if one.state != "CREATING"), key=order, reverse=True)
    if versioning.get("unlimited"):
        kept = newest
    elif "maxVersions" in versioning:
        kept = newest[: versioning["maxVersions"]]
    else:
        succeeded = [one for one in newest if one.state == "SUCCEEDED"]
        kept = [*newest[:1], *succeeded[:1]]
    young = {one.version for one in kept if days is None or one.created > now - days * DAY}
    return [one for one in newest if one.version not in young]


def order(content: Content) -> tuple[float, str]:
    """Contents by age."""
    return content.created, content.version
