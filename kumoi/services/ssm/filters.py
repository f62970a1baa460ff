"""Filters of DescribeParameters and GetParametersByPath: read into tests of a parameter; pure.

Source: the API reference's ParameterStringFilter, and recorded answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kumoi.services.ssm.naming import check_path, invalid
from kumoi.services.ssm.records import Parameter
from kumoi.wire.errors import aws_error

Test = Callable[[Parameter], bool]
Compare = Callable[[str, str], bool]

DESCRIBED = ("Path", "Name", "Type", "KeyId", "Tier", "DataType")
BY_PATH = ("Type", "KeyId", "Label", "DataType")

_COMPARE: dict[str, Compare] = {
    "BeginsWith": lambda held, wanted: held.startswith(wanted),
    "Contains": lambda held, wanted: wanted in held,
    "Equals": lambda held, wanted: held == wanted,
}
_CHOICES = {
    "Type": ("String", "StringList", "SecureString"),
    "Tier": ("Standard", "Advanced", "Intelligent-Tiering"),
}
_HELD: dict[str, Callable[[Parameter], str]] = {
    "Name": lambda one: one.name,
    "Type": lambda one: one.latest.type,
    "KeyId": lambda one: one.latest.key_id or "",
    "Tier": lambda one: one.latest.tier,
    "DataType": lambda one: one.latest.data_type,
}


def read_filters(given: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> list[Test]:
    """The tests that all have to hold; InvalidFilterKey, -Option or -Value for what is no filter."""
    tests: list[Test] = []
    seen: set[str] = set()
    for one in given:
        key, option, values = one["Key"], one.get("Option"), one.get("Values")
        if key in seen:
            raise aws_error(
                "InvalidFilterKey",
                f"The following filter is duplicated in the request: {key}. A request can contain only one instance "
                "of a specific filter.",
            )
        seen.add(key)
        if key.startswith("tag:") and keys is DESCRIBED:
            tests.append(_tag(key.removeprefix("tag:"), option, values))
            continue
        if key not in keys:
            raise aws_error(
                "InvalidFilterKey",
                f"The following filter key is not valid: {key}. Valid filter keys include: [{', '.join(keys)}].",
            )
        if not values:
            raise aws_error(
                "InvalidFilterValue", f"The following filter values are missing : null for filter key {key}"
            )
        tests.append(_path(option, values) if key == "Path" else _plain(key, option, values))
    return tests


def read_old_filters(given: Sequence[Mapping[str, Any]]) -> list[Test]:
    """The tests of `Filters`, the form of old: names by how they begin, types and keys as they are."""
    return [
        _plain(one["Key"], "BeginsWith" if one["Key"] == "Name" else "Equals", one.get("Values", [])) for one in given
    ]


def labels_wanted(given: Sequence[Mapping[str, Any]]) -> list[str]:
    """The labels that GetParametersByPath is asked for."""
    return [value for one in given if one["Key"] == "Label" for value in one.get("Values", ())]


def _plain(key: str, option: str | None, values: Sequence[str]) -> Test:
    options = ["BeginsWith", "Equals"]
    if key == "Name":
        options.append("Contains")
    if key in ("Label", "Tier", "DataType"):
        options = ["Equals"] if key == "Label" else options
    compare = _compare(option, options)
    choices = _CHOICES.get(key)
    for value in values:
        if choices is not None and value not in choices:
            raise aws_error(
                "InvalidFilterValue",
                f"The following filter value is not valid: {value}. Valid values include: [{', '.join(choices)}].",
            )
    if key == "Label":
        return lambda one: any(label in one.labels for label in values)
    held = _HELD[key]
    return lambda one: any(compare(held(one), value) for value in values)


def _path(option: str | None, values: Sequence[str]) -> Test:
    if option not in (None, "OneLevel", "Recursive"):
        raise aws_error(
            "InvalidFilterOption",
            f"The following filter option is not valid: {option}. Valid options include: [Recursive, OneLevel].",
        )
    for value in values:
        check_path(value)
        if value.lower().startswith(("/aws", "/ssm")):
            raise invalid(f'Filters for common parameters can\'t be prefixed with "aws" or "ssm": {value}')
    below = [value.rstrip("/") + "/" for value in values]
    deep = option == "Recursive"
    return lambda one: any(is_below(one.name, path, deep=deep) for path in below)


def is_below(name: str, path: str, *, deep: bool) -> bool:
    """Whether a name lies below a path that ends with a slash, or (not `deep`) directly below it."""
    rooted = name if name.startswith("/") else f"/{name}"
    return rooted.startswith(path) and (deep or "/" not in rooted[len(path) :])


def _tag(key: str, option: str | None, values: Sequence[str] | None) -> Test:
    compare = _compare(option, ["BeginsWith", "Equals"])
    if not values:
        return lambda one: key in one.tags
    return lambda one: key in one.tags and any(compare(one.tags[key], value) for value in values)


def _compare(option: str | None, options: Sequence[str]) -> Compare:
    if option is not None and option not in options:
        raise aws_error(
            "InvalidFilterOption",
            f"The following filter option is not valid: {option}. Valid options include: [{', '.join(options)}].",
        )
    return _COMPARE[option or "Equals"]
