"""Names of parameters: which are allowed, their ARNs, and references to one of their versions; pure.

Source: "Requirements and constraints for parameter names", "Working with parameter versions" and "labels" of the
user guide, and recorded answers.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from kumoi.names import Arn, arn
from kumoi.wire.errors import AwsError, aws_error

MOST_LEVELS = 15
MOST_CHARACTERS = 1011

_NAME = re.compile(r"[a-zA-Z0-9_.\-/]+")
_PATH_RULES = (
    "If formed as a path, it can consist of sub-paths divided by slash symbol; each sub-path can be formed as a mix of "
    "letters, numbers and the following 3 symbols .-_"
)
_PREFIX = 'Parameter name: can\'t be prefixed with "{}" (case-insensitive).'


class Reference(NamedTuple):
    """What a request names: the parameter's name (two names may share an ARN), and the version by number or label."""

    names: tuple[str, ...]
    selector: str = ""
    account: str = ""
    region: str = ""

    @property
    def number(self) -> int | None:
        """The version's number, where the selector is one."""
        return int(self.selector) if self.selector.isdecimal() and len(self.selector) < 19 else None


def parameter_arn(account: str, region: str, name: str) -> str:
    """A parameter's ARN; a leading slash is not doubled in it."""
    return arn("ssm", region, account, f"parameter/{name.removeprefix('/')}")


def invalid(text: str) -> AwsError:
    """ValidationException."""
    return aws_error("ValidationException", text)


def parse_reference(text: str) -> Reference:
    """Read a name or an ARN, with or without `:version` or `:label`; ValidationException for what is neither."""
    text = text.strip()
    account = region = ""
    rest = text
    if text.startswith("arn:"):
        try:
            parsed = Arn.parse(text)
        except ValueError:
            raise _no_name() from None
        if parsed.service != "ssm" or not parsed.resource.startswith("parameter/"):
            raise _no_name()
        account, region = parsed.account, parsed.region
        rest = parsed.resource.removeprefix("parameter/")
    name, colon, selector = rest.partition(":")
    if not _NAME.fullmatch(name) or (colon and not selector) or ":" in selector:
        raise _no_name()
    return Reference(_names_of_arn(name) if account else (name,), selector, account, region)


def check_new_name(name: str) -> None:
    """Raise for a name that no parameter can be created under."""
    if not _NAME.fullmatch(name):
        raise _no_name()
    if "/" in name and not name.startswith("/"):
        raise invalid("Parameter name must be a fully qualified name.")
    if name.endswith("/") or "//" in name:
        raise invalid("Parameter name must not end with slash, nor contain an empty sub-path.")
    levels = [level for level in name.split("/") if level]
    for prefix in ("aws", "ssm"):
        if levels[0].lower().startswith(prefix):
            if len(levels) == 1:
                raise invalid(_PREFIX.format(prefix))
            if prefix == "aws":
                raise aws_error("AccessDeniedException", f"No access to reserved parameter name: {name}.")
            raise invalid(f"{_PREFIX.format(prefix)} {_PATH_RULES}")
    if len(levels) > MOST_LEVELS:
        raise aws_error(
            "HierarchyLevelLimitExceededException",
            f"Parameter hierarchies are limited to a maximum depth of {MOST_LEVELS} levels.",
        )
    if len(name) > MOST_CHARACTERS:
        raise invalid(f"Parameter name must not be longer than {MOST_CHARACTERS} characters.")


def check_path(path: str) -> None:
    """Raise ValidationException for what is no path."""
    if not path.startswith("/") or not _NAME.fullmatch(path) or "//" in path:
        raise invalid(
            "The parameter doesn't meet the parameter name requirements. The parameter name must begin with a forward "
            'slash "/". It can\'t be prefixed with "aws" or "ssm" (case-insensitive). It must use only letters, '
            "numbers, or the following symbols: . (period), - (hyphen), _ (underscore). Special characters are not "
            'allowed. All sub-paths, if specified, must use the forward slash symbol "/". Valid example: '
            "/get/parameters2-/by1./path0_."
        )


def _no_name() -> AwsError:
    return invalid(f"{_PREFIX.format('ssm')} {_PATH_RULES}")


def _names_of_arn(rest: str) -> tuple[str, ...]:
    """The names whose ARN ends so: below a path there is but one."""
    return (f"/{rest}",) if "/" in rest else (rest, f"/{rest}")
