"""What lifecycle rules may say; pure.

Objects stay a month before a rule moves them to a class of infrequent access, move further down later than to the
classes above, and expire after they have moved. What has neither tags nor a size (uploads under way, delete markers) is
not for rules that ask for them. Rules: "Lifecycle configuration elements" and "Transitioning objects" in the S3 user
guide, and recorded errors of the service.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

from kumoi.names import uuid
from kumoi.services.s3.lifecycle_rules import DAY, DEPTHS, epoch
from kumoi.wire.errors import AwsError, aws_error
from kumoi.wire.xml_shapes import malformed

MAX_RULES = 1000
LEAST_DAYS = 30
"""Days that an object has at least before it moves to a class of infrequent access."""
_INFREQUENT = ("STANDARD_IA", "ONEZONE_IA")


def checked(content: dict[str, Any]) -> dict[str, Any]:
    """A LifecycleConfiguration that may be stored, its rules with ids; raises MalformedXML, InvalidArgument, …"""
    rules = content["Rules"]
    if not 1 <= len(rules) <= MAX_RULES:
        raise malformed()
    kept: list[dict[str, Any]] = []
    seen: set[str] = set()
    for rule in rules:
        identified = {**rule, "ID": rule.get("ID") or uuid()}
        if len(identified["ID"]) > 255:
            raise _invalid("ID length should not exceed allowed limit of 255")
        if identified["ID"] in seen:
            raise _invalid("Rule ID must be unique. Found same ID for more than one rule")
        seen.add(identified["ID"])
        _check_rule(identified)
        kept.append(identified)
    return {**content, "Rules": kept}


def _invalid(text: str, code: str = "InvalidArgument") -> AwsError:
    return aws_error(code, text)


def _check_rule(rule: dict[str, Any]) -> None:
    if (rule.get("Filter") is None) == (rule.get("Prefix") is None):
        raise malformed()
    _check_filter(rule.get("Filter") or {})
    actions = (
        "Expiration",
        "Transitions",
        "NoncurrentVersionTransitions",
        "NoncurrentVersionExpiration",
        "AbortIncompleteMultipartUpload",
    )
    if not any(rule.get(action) for action in actions):
        if any(rule.get(action) == {} for action in actions):
            raise malformed()
        raise _invalid("At least one action needs to be specified in a rule", "InvalidRequest")
    if (expiration := rule.get("Expiration")) is not None:
        _check_expiration(expiration)
    for transition in rule.get("Transitions") or ():
        if (transition.get("Days") is None) == (transition.get("Date") is None) or not transition.get("StorageClass"):
            raise malformed()
        _check_moment(transition, least=0, what="Transition")
    if (noncurrent := rule.get("NoncurrentVersionExpiration")) is not None:
        if noncurrent.get("NoncurrentDays") is None:
            raise malformed()
        _positive(noncurrent["NoncurrentDays"], "'NoncurrentDays' for NoncurrentVersionExpiration action")
        if noncurrent.get("NewerNoncurrentVersions") is not None:
            _positive(noncurrent["NewerNoncurrentVersions"], "'NewerNoncurrentVersions'")
    for transition in rule.get("NoncurrentVersionTransitions") or ():
        if transition.get("NoncurrentDays") is None or not transition.get("StorageClass"):
            raise malformed()
    if (abort := rule.get("AbortIncompleteMultipartUpload")) is not None:
        if abort.get("DaysAfterInitiation") is None:
            raise malformed()
        _positive(abort["DaysAfterInitiation"], "'DaysAfterInitiation' for AbortIncompleteMultipartUpload action")
    _check_scope(rule)
    _check_transitions(rule)


def _check_filter(given: dict[str, Any]) -> None:
    told = [name for name in ("Prefix", "Tag", "ObjectSizeGreaterThan", "ObjectSizeLessThan", "And") if name in given]
    if len(told) > 1:
        raise malformed()
    tags = (given.get("And") or {}).get("Tags") or []
    if len({tag["Key"] for tag in tags}) < len(tags):
        raise _invalid("Duplicate Tag Keys are not allowed.", "InvalidRequest")
    if given.get("And") == {}:
        raise malformed()
    among = given.get("And") or {}
    above, below = among.get("ObjectSizeGreaterThan"), among.get("ObjectSizeLessThan")
    if above is not None and below is not None and above >= below:
        raise _invalid("'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'.", "InvalidRequest")


def _check_expiration(expiration: dict[str, Any]) -> None:
    told = [name for name in ("Days", "Date", "ExpiredObjectDeleteMarker") if expiration.get(name) is not None]
    if len(told) != 1:
        raise malformed()
    _check_moment(expiration, least=1, what="Expiration")


def _check_moment(given: dict[str, Any], *, least: int, what: str) -> None:
    days = given.get("Days")
    if days is not None and days < least:
        kind = "positive" if least else "nonnegative"
        raise _invalid(f"'Days' for {what} action must be a {kind} integer")
    if given.get("Date") is not None and epoch(given["Date"]) % DAY:
        raise _invalid("'Date' must be at midnight GMT")


def _positive(number: int, what: str) -> None:
    if number < 1:
        raise _invalid(f"{what} must be a positive integer")


# ── actions beside each other ─────────────────────────────────────────────────────────────────────────────────────────


def _check_scope(rule: Mapping[str, Any]) -> None:
    """Uploads under way and delete markers have neither tags nor a size."""
    scope = _scope(rule)
    if scope.get("Tags") or scope.get("Tag"):
        narrowed = "Tags"
    elif scope.get("ObjectSizeGreaterThan") is not None or scope.get("ObjectSizeLessThan") is not None:
        narrowed = "Object Size"
    else:
        return
    for action, there in (
        ("AbortIncompleteMultipartUpload", rule.get("AbortIncompleteMultipartUpload")),
        ("ExpiredObjectDeleteMarker", (rule.get("Expiration") or {}).get("ExpiredObjectDeleteMarker")),
    ):
        if there:
            raise _invalid(f"{action} cannot be specified with {narrowed}.", "InvalidRequest")


def _check_transitions(rule: Mapping[str, Any]) -> None:
    told = _told(rule)
    moves = rule.get("Transitions") or []
    later = rule.get("NoncurrentVersionTransitions") or []
    _check_stay(moves, "Days", "Transition")
    _check_stay(later, "NoncurrentDays", "NoncurrentVersionTransition")
    kinds = {_kind(move) for move in moves}
    if len(kinds) > 1:
        raise _mixed("Transition actions", told)
    expiration = rule.get("Expiration") or {}
    if moves and _kind(expiration) not in (None, *kinds):
        raise _mixed("Expiration and Transition actions", told)
    if kind := next(iter(kinds), None):
        _check_order(moves, "Transition", expiration, "Expiration", kind, told)
    _check_order(
        later,
        "NoncurrentVersionTransition",
        rule.get("NoncurrentVersionExpiration") or {},
        "NoncurrentVersionExpiration",
        "NoncurrentDays",
        told,
    )


def _check_stay(moves: list[dict[str, Any]], kind: str, moving: str) -> None:
    for move in moves:
        if move["StorageClass"] in _INFREQUENT and move.get(kind) is not None and move[kind] < LEAST_DAYS:
            raise _invalid(
                f"'{kind}' in {moving} action must be greater than or equal to {LEAST_DAYS} "
                f"for storageClass '{move['StorageClass']}'"
            )


def _kind(action: Mapping[str, Any]) -> str | None:
    """Which member tells when an action falls due."""
    return next((kind for kind in ("Days", "Date") if action.get(kind) is not None), None)


def _check_order(
    moves: list[dict[str, Any]], moving: str, end: Mapping[str, Any], ending: str, kind: str, told: str
) -> None:
    """Each class once, what is further down later, and the end after all."""
    at: Callable[[Any], float] = epoch if kind == "Date" else float
    if len({move["StorageClass"] for move in moves}) < len(moves):
        raise _invalid(
            f"'StorageClass' must be different for '{moving}' actions in same 'Rule' with filter '{told}'",
            "InvalidRequest",
        )
    for above, below in pairwise(sorted(moves, key=lambda move: DEPTHS.get(move["StorageClass"], 0))):
        if at(below[kind]) <= at(above[kind]):
            second, first = (
                f"'{kind}' in the {moving} action for StorageClass '{move['StorageClass']}' for filter '{told}'"
                for move in (above, below)
            )
            raise _invalid(f"{first} must be greater than {second}")
    if end.get(kind) is not None and any(at(end[kind]) <= at(move[kind]) for move in moves):
        raise _invalid(
            f"'{kind}' in the {ending} action for filter '{told}' must be greater than '{kind}' in the {moving} action"
        )


def _mixed(actions: str, told: str) -> AwsError:
    return _invalid(
        f"Found mixed 'Date' and 'Days' based {actions} in lifecycle rule for filter '{told}'", "InvalidRequest"
    )


def _scope(rule: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a rule's filter asks for, whether one condition or several."""
    given = rule.get("Filter") or {}
    return given.get("And") or given


def _told(rule: Mapping[str, Any]) -> str:
    """A rule's filter as errors tell it: `(prefix=logs/ and tag={key=a, value=b})`."""
    scope = _scope(rule)
    prefix = scope.get("Prefix", rule.get("Prefix"))
    tags = scope.get("Tags") or ([scope["Tag"]] if scope.get("Tag") else [])
    parts = [] if prefix is None else [f"prefix={prefix}"]
    parts += [f"tag={{key={tag['Key']}, value={tag['Value']}}}" for tag in tags]
    sizes = ("ObjectSizeGreaterThan", "ObjectSizeLessThan")
    parts += [f"{name.lower()}={scope[name]}" for name in sizes if scope.get(name) is not None]
    return f"({' and '.join(parts) or 'prefix='})"
