"""What PutParameter takes: sizes by tier, types, data types and values; pure.

Source: the API reference's PutParameter, "Managing parameter tiers", and recorded answers.
"""

from __future__ import annotations

import re

from kumoi.services.ssm.naming import invalid
from kumoi.wire.errors import aws_error

STANDARD, ADVANCED, INTELLIGENT = "Standard", "Advanced", "Intelligent-Tiering"
SIZES = {STANDARD: 4096, ADVANCED: 8192}
DEFAULT_KEY = "alias/aws/ssm"
MOST_VERSIONS = 100
MOST_TAGS = 50
MOST_LABELS = 10

_IMAGE = re.compile(r"ami-[0-9a-f]{8}(?:[0-9a-f]{9})?")
_NESTED = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_LABEL = re.compile(r"(?!aws|ssm|\d)[a-z0-9_.\-]{1,100}", re.IGNORECASE)


def tier_of(wanted: str | None, before: str | None, size: int, *, policies: bool) -> str:
    """The tier of a version: what is asked for (None: as before, else Standard), or what its value needs."""
    if wanted == INTELLIGENT:
        return ADVANCED if size > SIZES[STANDARD] or policies or before == ADVANCED else STANDARD
    if wanted == STANDARD and before == ADVANCED:
        raise invalid(
            "This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the "
            "advanced-parameter tier to the standard-parameter tier. If necessary, you can delete the advanced "
            "parameter and recreate it as a standard parameter."
        )
    tier = wanted or before or STANDARD
    if policies and tier == STANDARD:
        raise invalid(
            "The parameter policies are only supported for advanced-tier parameters. Upgrade the parameter to use the "
            "advanced-parameter tier."
        )
    return tier


def check_value(value: str, size: int, kind: str, data_type: str, tier: str) -> None:
    """Raise ValidationException for a value that a parameter of that type, data type and tier cannot have."""
    if not value:
        raise invalid(
            "1 validation error detected: Value '' at 'value' failed to satisfy constraint: "
            "Member must have length greater than or equal to 1."
        )
    if size > SIZES[tier]:
        advice = (
            " To create a larger parameter value, upgrade the parameter to use the advanced-parameter tier. For more "
            "information, see https://docs.aws.amazon.com/systems-manager/latest/userguide/"
            "parameter-store-advanced-parameters.html"
        )
        raise invalid(
            f"{tier} tier parameters support a maximum parameter value of {SIZES[tier]} characters."
            f"{advice if tier == STANDARD else ''}"
        )
    if _NESTED.search(value):
        raise invalid('Parameter value can\'t nest another parameter. Do not use "{{}}" in the value.')
    if data_type == "aws:ec2:image":
        if kind != "String" or not _IMAGE.fullmatch(value):
            raise invalid("A parameter of the data type aws:ec2:image must be a String with the id of an image.")
    elif data_type not in ("text", "aws:ssm:integration"):
        raise invalid(f"The following data type is not supported: {data_type} (Data type names are all lowercase.)")


def check_tags(tags: dict[str, str]) -> None:
    """Raise TooManyTagsError for more tags than a parameter can have."""
    if len(tags) > MOST_TAGS:
        raise aws_error("TooManyTagsError", f"The Targets parameter includes too many tags: at most {MOST_TAGS}.")


def is_label(text: str) -> bool:
    """Whether a label has the form of one."""
    return _LABEL.fullmatch(text) is not None
