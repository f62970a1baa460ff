"""Staging labels: which version each is on, and what moving one does to the others; pure.

AWSCURRENT is on the version that is read by default; where it leaves a version, AWSPREVIOUS moves there. AWSPENDING is
on the version that a rotation makes. Source: "Secret version" of the user guide and UpdateSecretVersionStage.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kumoi.services.secretsmanager.errors import bad_parameter, no_value
from kumoi.wire.errors import aws_error

CURRENT, PREVIOUS, PENDING = "AWSCURRENT", "AWSPREVIOUS", "AWSPENDING"
MOST_LABELS = 20


def labelled(stages: Mapping[str, str], version: str, labels: Sequence[str]) -> dict[str, str]:
    """The labels after `labels` were put on a version; LimitExceededException for more than a version may have."""
    moved = dict(stages)
    current = moved.get(CURRENT)
    for label in labels:
        moved[label] = version
    if CURRENT in labels and current is not None and current != version:
        moved[PREVIOUS] = current
    if sum(holder == version for holder in moved.values()) > MOST_LABELS:
        raise aws_error(
            "LimitExceededException", f"A version of a secret can have at most {MOST_LABELS} staging labels attached."
        )
    return moved


def relabelled(
    stages: Mapping[str, str], label: str, *, remove_from: str | None, move_to: str | None
) -> dict[str, str]:
    """The labels after one was moved or taken away, which its present holder has to be named for."""
    holder = stages.get(label)
    if remove_from is None and move_to is None:
        raise bad_parameter("You must provide either RemoveFromVersionId or MoveToVersionId, or both.")
    if remove_from is not None and holder != remove_from:
        raise bad_parameter(
            f"The parameter RemoveFromVersionId can't be {remove_from}. Staging label {label} is not attached to "
            f"version {remove_from}."
        )
    if move_to is None:
        if label == CURRENT:
            raise bad_parameter(
                f"You can only move staging label {CURRENT} to a different secret version. It can't be completely "
                "removed."
            )
        return {name: version for name, version in stages.items() if name != label}
    if holder not in (None, remove_from, move_to):
        raise bad_parameter(
            f"The parameter RemoveFromVersionId can't be empty. Staging label {label} is currently attached to version "
            f"{holder}, so you must explicitly reference that version in RemoveFromVersionId."
        )
    return labelled(stages, move_to, [label])


def version_wanted(stages: Mapping[str, str], label: str) -> str:
    """The version that a label is on; ResourceNotFoundException where it is on none."""
    if label not in stages:
        raise no_value(f"staging label: {label}")
    return stages[label]
