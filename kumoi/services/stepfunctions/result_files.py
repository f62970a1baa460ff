"""The files that a ResultWriter writes: a manifest, and the children by how they ended. Pure.

Source: "ResultWriter" of the developer guide.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kumoi.services.stepfunctions.language.json_text import dumps, loads
from kumoi.services.stepfunctions.map_records import MapChild

LARGEST = 16 * 1024 * 1024
"""Bytes of results after which another file is begun."""


class ResultFiles:
    """Results as files, by how their children ended; each is handed out as soon as it is full."""

    def __init__(self, arn: str, bucket: str, folder: str, config: dict[str, Any]) -> None:
        self._arn, self._bucket, self._folder = arn, bucket, folder
        self._transformation = config.get("Transformation", "NONE")
        self._lines = config.get("OutputType", "JSON") == "JSONL"
        self._texts: dict[str, list[str]] = {"FAILED": [], "PENDING": [], "SUCCEEDED": []}
        self._sizes = dict.fromkeys(self._texts, 0)
        self._listed: dict[str, list[dict[str, Any]]] = {kind: [] for kind in self._texts}

    def add(self, children: Sequence[MapChild]) -> list[tuple[str, bytes]]:
        """Take the next children; the keys and contents of files that are full."""
        for child in children:
            kind = child.status if child.status in ("SUCCEEDED", "PENDING") else "FAILED"
            for one in _entries([child], self._transformation, kind):
                text = dumps(one)
                self._texts[kind].append(text)
                self._sizes[kind] += len(text)
        return [self._file(kind) for kind, size in self._sizes.items() if size > LARGEST]

    def close(self) -> list[tuple[str, bytes]]:
        """The files that are left, the manifest last."""
        files = [self._file(kind) for kind, texts in self._texts.items() if texts]
        manifest = {"DestinationBucket": self._bucket, "MapRunArn": self._arn, "ResultFiles": self._listed}
        return [*files, (f"{self._folder}/manifest.json", dumps(manifest).encode())]

    def _file(self, kind: str) -> tuple[str, bytes]:
        texts, self._texts[kind], self._sizes[kind] = self._texts[kind], [], 0
        content = ("\n".join(texts) if self._lines else f"[{','.join(texts)}]").encode()
        key = f"{self._folder}/{kind}_{len(self._listed[kind])}.{'jsonl' if self._lines else 'json'}"
        self._listed[kind].append({"Key": key, "Size": len(content)})
        return key, content


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
