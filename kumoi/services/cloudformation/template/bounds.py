"""How large a template may be, and the error for one that is none.

Source: "CloudFormation quotas". Apart from the parser, which loads a library that a platform starts without.
"""

from __future__ import annotations

from kumoi.wire.errors import AwsError, aws_error

MOST_BYTES = 51_200
MOST_BYTES_FROM_S3 = 1_048_576
MOST_WRITTEN = 2 * MOST_BYTES_FROM_S3
"""Characters of a template once its aliases, loops and functions are written out."""
MOST_RESOURCES = 500


def template_error(text: str) -> AwsError:
    """ValidationError for a template that is none."""
    return aws_error("ValidationError", f"Template format error: {text}")
