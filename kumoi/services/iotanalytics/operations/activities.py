"""RunPipelineActivity: one activity tried on a few messages."""

from __future__ import annotations

from typing import Any

import orjson

from kumoi.doorway import Call, Principal
from kumoi.iot_sql import SqlError
from kumoi.services.iotanalytics import iotanalytics
from kumoi.services.iotanalytics.chain import read_activity
from kumoi.services.iotanalytics.naming import invalid
from kumoi.services.iotanalytics.passage import passed
from kumoi.services.iotanalytics.segments import SegmentFiles


@iotanalytics.operation
async def run_pipeline_activity(call: Call, pipelineActivity: dict[str, Any], payloads: list[bytes]) -> dict[str, Any]:
    """What an activity makes of up to ten messages; those it drops are left out."""
    activity = read_activity(pipelineActivity)
    if activity.kind in ("channel", "datastore"):
        raise invalid(f"A {activity.kind} activity cannot be run.")
    caller = Principal.of_service(call.account, "iotanalytics.amazonaws.com", f"iotanalytics:{activity.name}")
    try:
        passage = await passed(call.doorway, caller, call.region, [activity], payloads, call.part(SegmentFiles).run)
    except SqlError as error:
        raise invalid(f"The expression of activity {activity.name} is not valid: {error}.") from None
    lines = [*passage.wrong, *dict.fromkeys(reason for _, reason in passage.failed)]
    return {"payloads": [orjson.dumps(one) for one in passage.messages], "logResult": "\n".join(lines)}
