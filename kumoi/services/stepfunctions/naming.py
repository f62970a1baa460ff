"""ARNs and names of Step Functions, and the errors that tell what is wrong with them: pure rules."""

from __future__ import annotations

import re
from typing import NamedTuple

from kumoi.wire.errors import AwsError, aws_error

_NAME = re.compile(r"[^\s?*<>{}\[\]:;,\\|^~$#%&`\"/\x00-\x1f\x7f-\x9f]{1,80}")
_ALIAS = re.compile(r"(?=.*[a-zA-Z_\-.])[a-zA-Z0-9_\-.]{1,80}", re.ASCII)


class MachineArn(NamedTuple):
    """A state machine's ARN: with a version or an alias where it is qualified, with a mock's test case behind `#`."""

    account: str
    region: str
    name: str
    qualifier: str | None = None
    mock: str | None = None
    label: str | None = None


class ExecutionArn(NamedTuple):
    """An execution's ARN. `label` is that of the map run it is a child of."""

    account: str
    region: str
    machine: str
    name: str
    express: bool
    label: str | None = None


def invalid_arn(why: str) -> AwsError:
    """InvalidArn."""
    return aws_error("InvalidArn", f"Invalid Arn: '{why}'")


def check_name(name: str) -> None:
    """Raise InvalidName for what cannot be a name."""
    if not _NAME.fullmatch(name):
        raise aws_error("InvalidName", f"Invalid Name: '{name}'")


def check_alias_name(name: str) -> None:
    """Raise for what cannot be an alias's name."""
    if not _ALIAS.fullmatch(name):
        raise aws_error(
            "ValidationException",
            f"1 validation error detected: Value '{name}' at 'name' failed to satisfy constraint: Member must satisfy "
            r"regular expression pattern: ^(?=.*[a-zA-Z_\-\.])[a-zA-Z0-9_\-\.]+$",
        )


def _parts(arn: str) -> list[str]:
    parts = arn.split(":")
    if len(parts) < 7 or parts[0] != "arn" or parts[2] != "states":
        raise invalid_arn(f"Invalid ARN prefix: {arn}")
    return parts


def _context(kind: str) -> AwsError:
    return invalid_arn(f"Resource type not valid in this context: {kind}")


def machine_arn(arn: str) -> MachineArn:
    """Read a state machine's ARN."""
    plain, _, mock = arn.partition("#")
    parts = _parts(plain)
    if parts[5] != "stateMachine":
        raise _context(parts[5])
    if len(parts) > 8:
        raise invalid_arn(f"Invalid ARN prefix: {arn}")
    name, _, label = parts[6].partition("/")
    return MachineArn(parts[4], parts[3], name, parts[7] if len(parts) == 8 else None, mock or None, label or None)


def execution_arn(arn: str) -> ExecutionArn:
    """Read an execution's ARN."""
    parts = _parts(arn)
    if parts[5] not in ("execution", "express"):
        raise _context(parts[5])
    if len(parts) < 8:
        raise invalid_arn(f"Invalid ARN prefix: {arn}")
    machine, _, label = parts[6].partition("/")
    return ExecutionArn(parts[4], parts[3], machine, parts[7], parts[5] == "express", label or None)


def activity_name(arn: str) -> str:
    """The name in an activity's ARN."""
    parts = _parts(arn)
    if parts[5] != "activity":
        raise _context(parts[5])
    return ":".join(parts[6:])


def small_number(text: str | None, digits: int = 9) -> int | None:
    """A text of a few ASCII digits as a number; None for anything else."""
    return int(text) if text and len(text) <= digits and text.isascii() and text.isdigit() else None


def no_machine(arn: str) -> AwsError:
    """StateMachineDoesNotExist."""
    return aws_error("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}'")


def no_execution(arn: str) -> AwsError:
    """ExecutionDoesNotExist."""
    return aws_error("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")


def not_supported() -> AwsError:
    """StateMachineTypeNotSupported."""
    return aws_error("StateMachineTypeNotSupported", "This operation is not supported by this type of state machine")
