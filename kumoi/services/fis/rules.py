"""What a template may say: durations, selections, the order of actions, quotas. Pure.

Source: the AWS FIS API reference; "Quotas and limitations"; "Actions reference". Durations are ISO 8601's, from one
minute to twelve hours on AWS, from one second here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from kumoi.services.fis.catalogue import ACTIONS, PARAMETERS, TARGETS
from kumoi.wire.errors import AwsError, aws_error

MOST_ACTIONS = 20
MOST_STOP_CONDITIONS = 5
MOST_TAGS = 50
_LONGEST = 12 * 3600.0
_DURATION = re.compile(r"PT(?=\d)(?:(\d{1,5})H)?(?:(\d{1,5})M)?(?:(\d{1,5})S)?", re.ASCII)
_SELECTION = re.compile(r"ALL|COUNT\(([1-9]\d{0,4})\)|PERCENT\(([1-9]\d?|100)\)", re.ASCII)
_LOG_GROUP = re.compile(r"arn:aws[a-z-]*:logs:[^:]+:\d{12}:log-group:[^:*]+:\*", re.ASCII)
_PERCENTAGES = ("percentage", "invocationPercentage")
_CHOICES = {
    "preventExecution": ("true", "false"),
    "scope": ("all", "availability-zone", "dynamodb", "prefix-list", "s3", "s3express", "vpc"),
}
_REGION = re.compile(r"[a-z]{2}(-[a-z]{2,12}){1,3}-\d{1,2}", re.ASCII)


def invalid(text: str) -> AwsError:
    """ValidationException."""
    return aws_error("ValidationException", text)


def not_found(text: str) -> AwsError:
    """ResourceNotFoundException."""
    return aws_error("ResourceNotFoundException", text)


def too_many(text: str) -> AwsError:
    """ServiceQuotaExceededException."""
    return aws_error("ServiceQuotaExceededException", text)


def seconds(duration: str) -> float:
    """`PT1H30M` in seconds; ValidationException for what is none, or too long."""
    found = _DURATION.fullmatch(duration)
    total = 0.0
    if found:
        hours, minutes, rest = (int(part or 0) for part in found.groups())
        total = hours * 3600.0 + minutes * 60 + rest
    if not 0 < total <= _LONGEST:
        raise invalid(f"The duration {duration} is not valid: it has to be one of ISO 8601 up to 12 hours, e.g. PT5M.")
    return total


def chosen(arns: Sequence[str], selection: str, target: str) -> list[str]:
    """The resources that a selection mode takes: the same ones of the same target, always."""
    found = _SELECTION.fullmatch(selection)
    if found is None:
        raise invalid(f"The selection mode {selection} is not valid: use ALL, COUNT(n) or PERCENT(n).")
    count, percent = found.groups()
    if count is None and percent is None:
        return sorted(arns)
    most = int(count) if count is not None else len(arns) * int(percent) // 100

    def place(arn: str) -> bytes:
        return hashlib.blake2b(f"{target}|{arn}".encode(), digest_size=8).digest()

    return sorted(sorted(arns, key=place)[:most])


def passes(resource: Mapping[str, Any], filters: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a resource's description has one of the values at the path of each filter."""
    return all(
        any(str(value) in one["values"] for value in _at(resource, str(one["path"]).split("."))) for one in filters
    )


def _at(value: Any, path: Sequence[str]) -> list[Any]:
    if isinstance(value, list):
        return [found for one in value for found in _at(one, path)]
    if not path:
        return [value]
    return _at(value[path[0]], path[1:]) if isinstance(value, dict) and path[0] in value else []


def check_template(
    stop_conditions: Sequence[Mapping[str, Any]],
    targets: Mapping[str, Mapping[str, Any]],
    actions: Mapping[str, Mapping[str, Any]],
    logs: Mapping[str, Any] | None,
) -> None:
    """Raise ValidationException or ServiceQuotaExceededException for what makes no template."""
    _check_stop_conditions(stop_conditions)
    for name, target in targets.items():
        _check_target(name, target)
    if not actions:
        raise invalid("An experiment template must have at least one action.")
    if len(actions) > MOST_ACTIONS:
        raise too_many(f"An experiment template can have up to {MOST_ACTIONS} actions.")
    for name, action in actions.items():
        _check_action(name, action, actions, targets)
    _check_order(actions)
    used = {target for action in actions.values() for target in (action.get("targets") or {}).values()}
    for name in targets:
        if name not in used:
            raise invalid(f"The target {name} is not used by any action.")
    if logs:
        _check_logs(logs)


def _check_stop_conditions(stop_conditions: Sequence[Mapping[str, Any]]) -> None:
    if not stop_conditions:
        raise invalid('At least one stop condition is required; use the source "none" to have none.')
    if len(stop_conditions) > MOST_STOP_CONDITIONS:
        raise too_many(f"An experiment template can have up to {MOST_STOP_CONDITIONS} stop conditions.")
    for one in stop_conditions:
        source, value = one["source"], str(one.get("value", ""))
        if source == "none":
            if value or len(stop_conditions) > 1:
                raise invalid('A stop condition of the source "none" has no value and stands alone.')
        elif source != "aws:cloudwatch:alarm":
            raise invalid(f"The stop condition source {source} is not supported.")
        elif value.count(":") < 6 or ":cloudwatch:" not in value or ":alarm:" not in value:
            raise invalid("A stop condition of the source aws:cloudwatch:alarm needs the ARN of an alarm as its value.")


def _check_target(name: str, target: Mapping[str, Any]) -> None:
    kind = target["resourceType"]
    if kind not in TARGETS:
        raise invalid(f"The target {name} has a resource type that does not exist: {kind}.")
    if bool(target.get("resourceArns")) == bool(target.get("resourceTags")):
        raise invalid(f"The target {name} needs either resourceArns or resourceTags.")
    if len(target.get("resourceArns") or ()) > 5:
        raise invalid(f"The target {name} can have up to 5 resourceArns.")
    if target.get("resourceArns") and target.get("filters"):
        raise invalid(f"The target {name} cannot have both resourceArns and filters.")
    unknown = set(target.get("parameters") or ()) - set(PARAMETERS.get(kind, ()))
    if unknown:
        raise invalid(f"The target {name} has a parameter that {kind} does not take: {', '.join(sorted(unknown))}.")
    chosen((), target["selectionMode"], name)


def _check_action(
    name: str,
    action: Mapping[str, Any],
    actions: Mapping[str, Mapping[str, Any]],
    targets: Mapping[str, Mapping[str, Any]],
) -> None:
    kind = ACTIONS.get(action["actionId"])
    if kind is None:
        raise invalid(f"The action {name} has an action id that does not exist: {action['actionId']}.")
    given = action.get("parameters") or {}
    missing = [one for one, required in kind.parameters.items() if required and one not in given]
    if missing:
        raise invalid(f"The action {name} lacks the required parameter {', '.join(missing)}.")
    unknown = [one for one in given if one not in kind.parameters]
    if unknown:
        raise invalid(f"The action {name} has a parameter that {kind.id} does not take: {', '.join(unknown)}.")
    for parameter, value in given.items():
        _check_parameter(parameter, value)
    taken = action.get("targets") or {}
    if set(taken) != set(kind.targets):
        expected = ", ".join(kind.targets) or "none"
        raise invalid(f"The targets of the action {name} are not those that {kind.id} takes: {expected}.")
    for role, target in taken.items():
        if target not in targets:
            raise invalid(f"The action {name} names a target that does not exist: {target}.")
        if targets[target]["resourceType"] != kind.targets[role]:
            raise invalid(f"The target {target} of the action {name} is not of the type {kind.targets[role]}.")
    for before in action.get("startAfter") or ():
        if before not in actions:
            raise invalid(f"The action {name} starts after an action that does not exist: {before}.")


def _check_parameter(name: str, value: str) -> None:
    if name == "duration":
        seconds(value)
    elif name in _PERCENTAGES:
        _number(name, value, 1, 100)
    elif name == "startupDelayMilliseconds":
        _number(name, value, 0, 900_000)
    elif name == "statusCode":
        _number(name, value, 100, 599)
    elif name == "region" and not _REGION.fullmatch(value):
        raise invalid(f"The parameter region is the code of a Region, not {value[:64]}.")
    elif name in _CHOICES and value not in _CHOICES[name]:
        raise invalid(f"The parameter {name} is one of {', '.join(_CHOICES[name])}.")


def _number(name: str, value: str, least: int, most: int) -> None:
    if not re.fullmatch(r"\d{1,7}", value, re.ASCII) or not least <= int(value) <= most:
        raise invalid(f"The parameter {name} is a whole number from {least} to {most}.")


def _check_order(actions: Mapping[str, Mapping[str, Any]]) -> None:
    waiting = {name: set(action.get("startAfter") or ()) for name, action in actions.items()}
    while waiting:
        free = [name for name, before in waiting.items() if not before & waiting.keys()]
        if not free:
            raise invalid(f"The actions {', '.join(sorted(waiting))} start after one another.")
        for name in free:
            del waiting[name]


def _check_logs(logs: Mapping[str, Any]) -> None:
    if logs.get("logSchemaVersion") not in (1, 2):
        raise invalid("The log schema version is 1 or 2.")
    group = (logs.get("cloudWatchLogsConfiguration") or {}).get("logGroupArn")
    to_bucket = logs.get("s3Configuration")
    if group is None and to_bucket is None:
        raise invalid("A log configuration has a CloudWatch Logs or an S3 destination.")
    if to_bucket is not None and not to_bucket.get("bucketName"):
        raise invalid("An S3 destination of logs has a bucket.")
    if group is not None and not _LOG_GROUP.fullmatch(group):
        raise invalid("The log group ARN is that of a log group and ends with :*.")
