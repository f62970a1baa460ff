"""AllowedPattern: a regular expression of a user's that a parameter's value has to match."""

from __future__ import annotations

from kumoi.java_patterns import BadPattern, first_mismatch
from kumoi.wire.errors import aws_error


async def check_pattern(pattern: str, value: str) -> None:
    """Raise unless the value matches; InvalidAllowedPatternException for what is no pattern, or takes too long."""
    try:
        mismatch = await first_mismatch([(pattern, value)])
    except BadPattern as error:
        raise aws_error("InvalidAllowedPatternException", f"The AllowedPattern {error}.") from None
    if mismatch is not None:
        raise aws_error(
            "ParameterPatternMismatchException",
            f"Parameter value, cannot be validated against allowedPattern: {pattern}",
        )
