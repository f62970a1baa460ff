"""Data protection policies: what they may say, and what they do to events as they come in; pure.

An event is masked when it is stored, so that nothing shows what it hides but who asks for it unmasked: every character
that an identifier finds becomes an asterisk. Source: "Help protect sensitive log data with masking" of the CloudWatch
Logs user guide.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from kumoi.java_patterns import BadPattern, compiled
from kumoi.services.logs.data_identifiers import ARN, IDENTIFIERS, Span
from kumoi.services.logs.rules import invalid

VERSION = "2021-06-01"
LONGEST = 30_720
MOST_CUSTOM, LONGEST_CUSTOM = 10, 200
_DESTINATIONS = {"CloudWatchLogs": "LogGroup", "S3": "Bucket", "Firehose": "DeliveryStream"}
SECONDS = 0.1
"""How long a custom identifier may look at one event: that one and those stored with it are masked as a whole then."""


class Findings(NamedTuple):
    """Where findings go: a log group, a bucket, a delivery stream, all of them or none."""

    group: str | None = None
    bucket: str | None = None
    stream: str | None = None


class Policy(NamedTuple):
    """A policy ready for use: identifiers by name (custom ones with their pattern), and where findings go."""

    identifiers: tuple[str, ...]
    custom: tuple[tuple[str, str], ...]
    findings: Findings


class Found(NamedTuple):
    """What an identifier found in an event."""

    name: str
    spans: tuple[Span, ...]


@lru_cache(maxsize=256)
def policy_of(document: str) -> Policy:
    """The policy of a document; InvalidParameterException says what is wrong with one."""
    if len(document) > LONGEST:
        raise invalid(f"A data protection policy has at most {LONGEST} characters.")
    try:
        given = json.loads(document)
    except (ValueError, RecursionError):
        raise invalid("The data protection policy is not valid JSON.") from None
    if not isinstance(given, dict) or not isinstance(given.get("Name"), str) or given.get("Version") != VERSION:
        raise invalid(f"A data protection policy has a Name, and the Version {VERSION}.")
    custom = dict(_custom(given.get("Configuration")))
    statements = given.get("Statement")
    if not isinstance(statements, list) or len(statements) != 2 or not all(isinstance(one, dict) for one in statements):
        raise invalid("A data protection policy has two statements: one with Audit, one with Deidentify.")
    operations = [one.get("Operation") for one in statements]
    if not all(isinstance(one, dict) for one in operations) or [set(one) for one in operations] != [
        {"Audit"},
        {"Deidentify"},
    ]:
        raise invalid("The first statement's Operation is Audit, the second one's is Deidentify.")
    if operations[1]["Deidentify"] != {"MaskConfig": {}}:
        raise invalid('Deidentify has an empty MaskConfig: {"MaskConfig": {}}.')
    names, again = ([*_names(one.get("DataIdentifier"), custom)] for one in statements)
    if set(names) != set(again):
        raise invalid("The DataIdentifier lists of both statements are the same.")
    return Policy(
        tuple(one for one in names if one not in custom),
        tuple((one, custom[one]) for one in names if one in custom),
        _findings(operations[0]["Audit"]),
    )


def _custom(configuration: Any) -> Iterator[tuple[str, str]]:
    given = (configuration or {}).get("CustomDataIdentifier", ()) if isinstance(configuration, dict | None) else None
    if not isinstance(given, list | tuple) or len(given) > MOST_CUSTOM:
        raise invalid(f"Configuration has at most {MOST_CUSTOM} in the list CustomDataIdentifier.")
    for one in given:
        name, pattern = (one.get("Name"), one.get("Regex")) if isinstance(one, dict) else (None, None)
        if not isinstance(name, str) or not name or not isinstance(pattern, str) or not pattern:
            raise invalid("A custom data identifier has a Name and a Regex.")
        if len(pattern) > LONGEST_CUSTOM:
            raise invalid(f"The Regex of {name} is longer than {LONGEST_CUSTOM} characters.")
        try:
            compiled(pattern)
        except BadPattern as error:
            raise invalid(f"The Regex of {name}: {error}") from None
        yield name, pattern


def _names(given: Any, custom: Iterable[str]) -> Iterator[str]:
    if not isinstance(given, list) or not given:
        raise invalid("A statement has a list DataIdentifier.")
    for one in given:
        name = str(one).removeprefix(ARN)
        if name not in custom and (name == one or name not in IDENTIFIERS):
            raise invalid(f"There is no data identifier {one}. Kumoi has: {', '.join(IDENTIFIERS)}.")
        yield name


def _findings(audit: Any) -> Findings:
    given = audit.get("FindingsDestination") if isinstance(audit, dict) else None
    if not isinstance(given, dict):
        raise invalid("Audit has a FindingsDestination, which may be empty.")
    unknown = [name for name in given if name not in _DESTINATIONS]
    if unknown:
        raise invalid(f"Kumoi sends findings to {' and '.join(_DESTINATIONS)}, not to {unknown[0]}.")
    return Findings(*(_place(given, kind, member) for kind, member in _DESTINATIONS.items()))


def _place(given: dict[str, Any], kind: str, member: str) -> str | None:
    if kind not in given:
        return None
    place = given[kind].get(member) if isinstance(given[kind], dict) else None
    if not isinstance(place, str) or not place:
        raise invalid(f"The destination {kind} has a {member}.")
    return place


def find(policies: Iterable[Policy], text: str, slow: set[str]) -> list[Found]:
    """What the identifiers of policies find in an event. `slow` are patterns that took too long, and are not tried."""
    found: dict[str, tuple[Span, ...]] = {}
    for policy in policies:
        for name in policy.identifiers:
            if name not in found:
                found[name] = tuple(IDENTIFIERS[name].find(text))
        for name, pattern in policy.custom:
            found[name] = (*found.get(name, ()), *_matches(pattern, text, slow))
    return [Found(name, spans) for name, spans in found.items() if spans]


def _matches(pattern: str, text: str, slow: set[str]) -> list[Span]:
    if pattern in slow:
        return [Span(0, len(text))]
    try:
        matches = compiled(pattern).finditer(text, timeout=SECONDS)
        return [Span(*match.span()) for match in matches if match.end() > match.start()]
    except TimeoutError:
        slow.add(pattern)
        return [Span(0, len(text))]


def masked(text: str, found: Iterable[Found]) -> str:
    """An event with asterisks for what was found."""
    characters = list(text)
    for one in found:
        for start, end in one.spans:
            characters[start:end] = "*" * (end - start)
    return "".join(characters)


class Protected(NamedTuple):
    """Events by stream as they are stored, and what was found in each of those in which anything was."""

    streams: Mapping[str, Sequence[dict[str, Any]]]
    found: Sequence[Sequence[Found]]


def protect(policies: Sequence[Policy], streams: Mapping[str, Sequence[dict[str, Any]]]) -> Protected:
    """Mask events; what they were stands beside, under `unmasked`. Takes its time: events may be many and long."""
    kept: dict[str, list[dict[str, Any]]] = {name: [] for name in streams}
    findings: list[list[Found]] = []
    slow: set[str] = set()
    for name, events in streams.items():
        for event in events:
            found = find(policies, event["message"], slow)
            if found:
                findings.append(found)
                event = {**event, "message": masked(event["message"], found), "unmasked": event["message"]}
            kept[name].append(event)
    return Protected(kept, findings)
