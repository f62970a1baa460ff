"""The files that a ResultWriter writes: a manifest, and the children by how they ended. Pure.

Source: "ResultWriter" of the developer guide.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kumoi.services.stepfunctions.language.json_text import dumps, loads
from kumoi.services.stepfunctions.map_records import MapChild


def result_files(
    arn: str, bucket: str, folder: str, children: Sequence[MapChild], config: dict[str, Any]
) -> list[tuple[str, bytes]]:
    """Keys and contents; the manifest last."""
    lines = config.get("OutputType", "JSON") == "JSONL"
    ending = "jsonl" if lines else "json"
    groups: dict[str, list[MapChild]] = {"FAILED": [], "PENDING": [], "SUCCEEDED": []}
    for child in children:
        kind = child.status if child.status in ("SUCCEEDED", "PENDING") else "FAILED"
        groups[kind].append(child)
    files: list[tuple[str, bytes]] = []
    listed: dict[str, list[dict[str, Any]]] = {}
    for kind, members in groups.items():
        listed[kind] = []
        if not members:
            continue
        shown = _entries(members, config.get("Transformation", "NONE"), kind)
        text = "\n".join(dumps(one) for one in shown) if lines else dumps(shown)
        content = text.encode()
        key = f"{folder}/{kind}_0.{ending}"
        files.append((key, content))
        listed[kind].append({"Key": key, "Size": len(content)})
    manifest = {"DestinationBucket": bucket, "MapRunArn": arn, "ResultFiles": listed}
    return [*files, (f"{folder}/manifest.json", dumps(manifest).encode())]


def outputs(children: Sequence[MapChild], config: dict[str, Any]) -> list[Any]:
    """What a ResultWriter that writes nowhere makes of the children that succeeded: the state's output."""
    succeeded = [child for child in children if child.status == "SUCCEEDED"]
    return _entries(succeeded, config.get("Transformation", "NONE"), "SUCCEEDED")


def _entries(children: Sequence[MapChild], transformation: str, kind: str) -> list[Any]:
    if transformation in ("COMPACT", "FLATTEN") and kind == "SUCCEEDED":
        outputs = [loads(child.output or "null") for child in children]
        if transformation == "COMPACT":
            return outputs
        return [one for output in outputs for one in (output if isinstance(output, list) else [output])]
    return [_entry(child) for child in children]


def _entry(child: MapChild) -> dict[str, Any]:
    place = child.arn.split(":")
    entry: dict[str, Any] = {
        "ExecutionArn": child.arn,
        "Input": child.input,
        "InputDetails": {"Included": True},
        "Name": place[7],
        "StateMachineArn": ":".join([*place[:5], "stateMachine", place[6]]),
        "Status": child.status,
    }
    optional = {"Output": child.output, "Error": child.error, "Cause": child.cause}
    entry |= {name: text for name, text in optional.items() if text is not None}
    if child.output is not None:
        entry["OutputDetails"] = {"Included": True}
    return entry
