"""Labels: names for versions of a parameter; a label is on one version at a time."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.ssm import ssm
from kumoi.services.ssm.naming import Reference
from kumoi.services.ssm.notices import Notices
from kumoi.services.ssm.records import Parameter, parameters
from kumoi.services.ssm.rules import MOST_LABELS, is_label
from kumoi.services.ssm.store import find, not_found, reference_of, version_of
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error


@ssm.operation
async def label_parameter_version(
    call: Call, Name: str, Labels: list[str], ParameterVersion: int | None = None
) -> dict[str, Any]:
    """Put labels on a version (the latest unless one is told), taking them from where they were."""
    valid = [label for label in dict.fromkeys(Labels) if is_label(label)]
    number = await _label(call.state, reference_of(call, Name), ParameterVersion, valid, call.part(Notices))
    return {"InvalidLabels": [label for label in Labels if label not in valid], "ParameterVersion": number}


@ssm.operation
async def unlabel_parameter_version(call: Call, Name: str, ParameterVersion: int, Labels: list[str]) -> dict[str, Any]:
    """Take labels from a version; those that are not on it are told."""
    removed = await _unlabel(call.state, reference_of(call, Name), ParameterVersion, Labels)
    return {"RemovedLabels": removed, "InvalidLabels": [label for label in Labels if label not in removed]}


@transactional
async def _label(tx: Transaction, reference: Reference, number: int | None, labels: list[str], notices: Notices) -> int:
    found = await _found(tx, reference)
    version = await version_of(tx, found, found.latest.number if number is None else number)
    if not labels:
        return version.number
    changed = msgspec.structs.replace(found, labels={**found.labels, **dict.fromkeys(labels, version.number)})
    if len(changed.labels_of(version.number)) > MOST_LABELS:
        raise aws_error(
            "ParameterVersionLabelLimitExceeded",
            "An error occurred (ParameterVersionLabelLimitExceeded) when calling the LabelParameterVersion operation: "
            f"A parameter version can have maximum {MOST_LABELS} labels.Move one or more labels to another version "
            "and try again.",
        )
    await parameters.put(tx, changed)
    await notices.changed(tx, version, "LabelParameterVersion")
    return version.number


@transactional
async def _unlabel(tx: Transaction, reference: Reference, number: int, labels: list[str]) -> list[str]:
    found = await _found(tx, reference)
    await version_of(tx, found, number)
    removed = [label for label in dict.fromkeys(labels) if found.labels.get(label) == number]
    if removed:
        left = {label: version for label, version in found.labels.items() if label not in removed}
        await parameters.put(tx, msgspec.structs.replace(found, labels=left))
    return removed


async def _found(tx: Transaction, reference: Reference) -> Parameter:
    found = await find(tx, reference)
    if found is None:
        raise not_found(f"Parameter {reference.names[0]} not found.")
    return found
