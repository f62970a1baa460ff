"""How layers are named: a bare name or an ARN, with a version at its end or without."""

from __future__ import annotations

import re
from typing import NamedTuple

from kumoi.names import arn
from kumoi.wire.errors import aws_error

_LAYER = re.compile(
    r"(?:arn:aws[a-zA-Z-]*:lambda:(?P<region>[a-z]{2}(?:-[a-z]+)+-\d):(?P<account>\d{12}|awslayer):layer:)?"
    r"(?P<name>[a-zA-Z0-9-_]{1,140})(?::(?P<version>\d+))?"
)


class LayerName(NamedTuple):
    """A layer, and a version of it (0 for none)."""

    account: str
    region: str
    name: str
    version: int


def _fits(match: re.Match[str]) -> bool:
    """Whether a version has a number that a version can have."""
    return len(match["version"] or "") < 19


def layer_arn(region: str, account: str, name: str) -> str:
    """The ARN of a layer, without a version."""
    return arn("lambda", region, account, f"layer:{name}")


def parse_layer(text: str, account: str, region: str) -> LayerName:
    """Read a layer's name as sent by a caller in `account` and `region`; raises ValidationException."""
    match = _LAYER.fullmatch(text)
    if match is None or not _fits(match):
        raise aws_error(
            "ValidationException",
            f"1 validation error detected: Value '{text}' at 'layerName' failed to satisfy constraint: Member must "
            f"satisfy regular expression pattern: {_LAYER.pattern}",
        )
    return LayerName(match["account"] or account, match["region"] or region, match["name"], int(match["version"] or 0))


def parse_layer_version(text: str) -> LayerName:
    """Read the ARN of a layer version; raises ValidationException."""
    match = _LAYER.fullmatch(text)
    if match is None or match["account"] is None or match["version"] is None or not _fits(match):
        raise aws_error(
            "ValidationException",
            f"1 validation error detected: Value '{text}' at 'arn' failed to satisfy constraint: Member must satisfy "
            "regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+"
            "-\\d{1}):\\d{12}:layer:[a-zA-Z0-9-_]+:[0-9]+)|(arn:[a-zA-Z0-9-]+:lambda:::awslayer:[a-zA-Z0-9-_]+)",
        )
    return LayerName(match["account"], match["region"], match["name"], int(match["version"]))
