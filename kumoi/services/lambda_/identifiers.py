"""How a function may be named: bare name, partial ARN or full ARN, with or without a qualifier.

Rules: "FunctionName" of the Lambda API reference, with the texts the service answers.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from kumoi.names import arn
from kumoi.wire.errors import AwsError, aws_error

LATEST = "$LATEST"

_NO_VERSION = -1

_NAME = re.compile(
    r"(?:(?:arn:(?P<partition>aws[a-zA-Z-]*):lambda:)?(?:(?P<region>[a-z]{2}(?:-[a-z]+)+-\d):)?(?P<account>\d{12}):)?"
    r"(?:function:)?(?P<name>(?:us-east-1\.)?[a-zA-Z0-9-_]+)(?::(?P<qualifier>\$LATEST|[a-zA-Z0-9-_]+))?"
)
_PATTERN = (
    r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?"
    r"([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?"
)


class FunctionIdentifier(NamedTuple):
    """A function and, where the caller named one, its version or alias."""

    account: str
    region: str
    name: str
    qualifier: str | None

    @property
    def function_arn(self) -> str:
        """The ARN without a qualifier."""
        return arn("lambda", self.region, self.account, f"function:{self.name}")

    @property
    def arn(self) -> str:
        """The ARN as the caller named it: with the qualifier when there was one."""
        return f"{self.function_arn}:{self.qualifier}" if self.qualifier else self.function_arn

    def not_found(self) -> AwsError:
        """The error for a function, version or alias that does not exist."""
        return aws_error("ResourceNotFoundException", f"Function not found: {self.arn}", Type="User")


@lru_cache(4096)
def parse(text: str, account: str, region: str, qualifier: str | None = None) -> FunctionIdentifier:
    """Read `FunctionName` (and `Qualifier`) as sent by a caller in `account` and `region`.

    Raises ValidationException, InvalidParameterValueException (name too long, qualifiers that differ) and
    ResourceNotFoundException (an ARN of another region).
    """
    match = _NAME.fullmatch(text)
    if match is None:
        raise aws_error(
            "ValidationException",
            f"1 validation error detected: Value '{text}' at 'functionName' failed to satisfy constraint: "
            f"Member must satisfy regular expression pattern: {_PATTERN}",
        )
    name, named_region = match["name"], match["region"]
    if len(name.removeprefix("us-east-1.")) > 64:
        raise aws_error(
            "InvalidParameterValueException",
            f"1 validation error detected: Value '{name}' at 'functionName' failed to satisfy constraint: "
            "Member must have length less than or equal to 64",
        )
    if named_region is not None and named_region != region:
        raise aws_error(
            "ResourceNotFoundException",
            f"Functions from '{named_region}' are not reachable in this region ('{region}')",
            Type="User",
        )
    derived = match["qualifier"]
    if derived and qualifier and derived != qualifier:
        raise aws_error(
            "InvalidParameterValueException",
            "The derived qualifier from the function name does not match the specified qualifier.",
        )
    return FunctionIdentifier(match["account"] or account, region, name, qualifier or derived)


def version_number(qualifier: str | None) -> int | None:
    """The number a qualifier means: 0 for $LATEST and for none, None for an alias, -1 for what no version has."""
    if qualifier is None or qualifier == LATEST:
        return 0
    if not (qualifier.isascii() and qualifier.isdigit()):
        return None
    return int(qualifier) if qualifier[0] != "0" and len(qualifier) < 19 else _NO_VERSION


@lru_cache(4096)
def bare_name(text: str) -> str:
    """The function's name in any of its forms; the text itself where it is none."""
    match = _NAME.fullmatch(text)
    return match["name"] if match else text
