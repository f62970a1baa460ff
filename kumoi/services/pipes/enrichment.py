"""Asking a function or an Express state machine for what the records lack: its answer takes their place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from kumoi.doorway import Doorway
from kumoi.names import Arn
from kumoi.services.pipes.records import Pipe, acting
from kumoi.services.pipes.target import Failed

SERVICES = frozenset(("lambda", "states"))


async def enriched(doorway: Doorway, pipe: Pipe, records: Sequence[Any]) -> list[Any]:
    """What the enrichment answers, as records: an array's elements, or the one answer; nothing for an empty one.

    Raises AwsError or Failed.
    """
    arn = Arn.parse(pipe.enrichment or "")
    caller = acting(pipe)
    payload = orjson.dumps(list(records))
    if arn.service == "lambda":
        params: dict[str, Any] = {"FunctionName": pipe.enrichment, "Payload": payload}
        answer = await doorway.ask("lambda", "Invoke", params, caller, arn.region)
        if "FunctionError" in answer:
            raise Failed(f"{pipe.enrichment} failed: {answer['Payload'].decode('utf-8', 'replace')}")
        output = answer["Payload"]
    else:
        params = {"stateMachineArn": pipe.enrichment, "input": payload.decode()}
        answer = await doorway.ask("stepfunctions", "StartSyncExecution", params, caller, arn.region)
        if answer["status"] != "SUCCEEDED":
            raise Failed(f"{pipe.enrichment} ended {answer['status']}: {answer.get('cause', '')}")
        output = answer["output"]
    found = orjson.loads(output or b"null")
    if found in (None, "", [], {}):
        return []
    return found if isinstance(found, list) else [found]
