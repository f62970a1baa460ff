"""Segments come in: PutTraceSegments, and the daemon's own telemetry."""

from __future__ import annotations

import logging
from typing import Any

from kumoi.doorway import Call
from kumoi.services.xray import xray
from kumoi.services.xray.intake import Intake
from kumoi.services.xray.storage import Place

logger = logging.getLogger(__name__)


@xray.operation
async def put_trace_segments(call: Call, TraceSegmentDocuments: list[str]) -> dict[str, Any]:
    """Keep segment documents; those that are not valid are named, the others are kept."""
    place = Place(call.account, call.region)
    refused = await call.part(Intake).append(place, TraceSegmentDocuments)
    call.meter("xray:segments", len(TraceSegmentDocuments) - len(refused))
    return {
        "UnprocessedTraceSegments": [
            {
                **({} if one.segment_id is None else {"Id": one.segment_id}),
                "ErrorCode": one.code,
                "Message": str(one),
            }
            for one in refused
        ]
    }


@xray.operation
async def put_telemetry_records(
    call: Call,
    TelemetryRecords: list[dict[str, Any]],
    EC2InstanceId: str | None = None,
    Hostname: str | None = None,
    ResourceARN: str | None = None,
) -> dict[str, Any]:
    """What a daemon tells of itself: AWS has no way to read it back either; what it could not send is logged."""
    lost = sum(record.get("SegmentsRejectedCount") or 0 for record in TelemetryRecords)
    if lost:
        logger.warning("the X-Ray daemon of %s tells of %s rejected segments", Hostname or EC2InstanceId, lost)
    return {}
