"""Prefixes of objects: expressions in them checked, and evaluated; pure.

Source: "Understand custom prefixes for Amazon S3 objects" of the developer guide.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from kumoi.java_times import BadTime, formatted, zone
from kumoi.names import uuid
from kumoi.services.firehose.errors import invalid

DEFAULT = "yyyy/MM/dd/HH/"
RANDOM, ERROR = "random-string", "error-output-type"
QUERY, LAMBDA = "partitionKeyFromQuery", "partitionKeyFromLambda"
_EXPRESSION = re.compile(r"!\{([^{}:]*):([^{}]*)\}")
_NAMESPACES = ("firehose", "timestamp", QUERY, LAMBDA)
_MOST = 512


class Keys(NamedTuple):
    """The partition keys of a record, from its queries and from a function."""

    query: Mapping[str, str] = {}
    function: Mapping[str, str] = {}


def expressions(prefix: str) -> list[tuple[str, str]]:
    """The namespace and value of each expression."""
    return [(found[1], found[2]) for found in _EXPRESSION.finditer(prefix)]


def partition_keys(prefix: str) -> Iterator[tuple[str, str]]:
    """The partition keys that a prefix asks for: namespace and name."""
    return (one for one in expressions(prefix) if one[0] in (QUERY, LAMBDA))


def check_prefixes(prefix: str, error_prefix: str | None, time_zone: str) -> None:
    """InvalidArgumentException for prefixes that cannot be evaluated."""
    try:
        zone(time_zone)
    except BadTime as error:
        raise invalid(f"CustomTimeZone: {error}") from None
    for name, text in (("Prefix", prefix), ("ErrorOutputPrefix", error_prefix or "")):
        _check(name, text)
    if expressions(prefix) and not error_prefix:
        raise invalid("ErrorOutputPrefix cannot be null or empty when Prefix contains expressions.")
    if ("firehose", ERROR) in expressions(prefix):
        raise invalid("Prefix cannot contain !{firehose:error-output-type}.")
    if error_prefix and expressions(error_prefix) and ("firehose", ERROR) not in expressions(error_prefix):
        raise invalid("ErrorOutputPrefix must contain at least one instance of !{firehose:error-output-type}.")
    if error_prefix and any(partition_keys(error_prefix)):
        raise invalid("ErrorOutputPrefix cannot contain partition keys.")


def _check(name: str, text: str) -> None:
    if "!{" in _EXPRESSION.sub("", text):
        raise invalid(f"{name} has an expression that is not of the form !{{namespace:value}}: {text}")
    for namespace, value in expressions(text):
        if namespace not in _NAMESPACES:
            raise invalid(f"{name} has an expression of the unknown namespace {namespace}.")
        if namespace == "firehose" and value not in (RANDOM, ERROR):
            raise invalid(f"{name} has the unknown expression !{{firehose:{value}}}.")
        if namespace == "timestamp":
            try:
                formatted(0.0, value)
            except BadTime as error:
                raise invalid(f"{name} has an invalid timestamp: {error}") from None


def evaluated(prefix: str, when: float, time_zone: str, keys: Keys | None = None) -> str:
    """Where an object goes whose oldest record came at `when` (epoch seconds).

    KeyError names a partition key that the records do not have; a text too long is cut.
    """
    if not any(namespace == "timestamp" for namespace, _ in expressions(prefix)):
        prefix = f"{prefix}!{{timestamp:{DEFAULT}}}"
    return _evaluated(prefix, when, time_zone, keys or Keys(), "")


def evaluated_error(prefix: str, error_prefix: str | None, kind: str, when: float, time_zone: str) -> str:
    """Where records go that failed; `kind` is the error output type, such as `processing-failed`."""
    if not error_prefix:
        error_prefix = f"{prefix}!{{firehose:{ERROR}}}/!{{timestamp:{DEFAULT}}}"
    elif not expressions(error_prefix):
        error_prefix = f"{error_prefix}!{{firehose:{ERROR}}}/!{{timestamp:{DEFAULT}}}"
    return _evaluated(error_prefix, when, time_zone, Keys(), kind)


def _evaluated(prefix: str, when: float, time_zone: str, keys: Keys, kind: str) -> str:
    where = zone(time_zone)

    def value(found: re.Match[str]) -> str:
        namespace, name = found[1], found[2]
        if namespace == "timestamp":
            return formatted(when * 1000, name, where)
        if namespace == QUERY:
            return keys.query[name]
        if namespace == LAMBDA:
            return keys.function[name]
        return kind if name == ERROR else uuid()[:11]

    return _EXPRESSION.sub(value, prefix)[:_MOST]
