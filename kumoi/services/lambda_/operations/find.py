"""Finding what a request names: the function, and the version its qualifier means."""

from __future__ import annotations

from typing import NamedTuple

from kumoi.doorway import Call
from kumoi.services.lambda_.configuration import is_latest
from kumoi.services.lambda_.identifiers import LATEST, FunctionIdentifier, parse
from kumoi.services.lambda_.records import Function, FunctionHead, heads, versions
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error


class Found(NamedTuple):
    """A function as a request named it, and the version that was meant."""

    identifier: FunctionIdentifier
    function: Function


def identify(call: Call, FunctionName: str, Qualifier: str | None = None) -> FunctionIdentifier:
    """The function a request names, read in the caller's account and region."""
    return parse(FunctionName, call.account, call.region, Qualifier)


async def find(call: Call, FunctionName: str, Qualifier: str | None = None) -> Found:
    """The version that `FunctionName` and `Qualifier` mean; ResourceNotFoundException when there is none."""
    identifier = identify(call, FunctionName, Qualifier)
    function = await find_version(call.doorway.state.at(identifier.account, identifier.region), identifier)
    return Found(identifier, function)


@transactional
async def find_version(tx: Transaction, identifier: FunctionIdentifier) -> Function:
    """The stored version an identifier means ($LATEST without a qualifier)."""
    qualifier = identifier.qualifier
    number = 0 if is_latest(qualifier) else int(qualifier) if qualifier and qualifier.isdigit() else None
    function = await versions.get(tx, identifier.name, number) if number is not None else None
    if function is None:
        raise identifier.not_found()
    return function


async def find_head(tx: Transaction, identifier: FunctionIdentifier) -> FunctionHead:
    """What the versions of a function share; ResourceNotFoundException when there is no such function."""
    head = await heads.get(tx, identifier.name)
    if head is None:
        raise identifier._replace(qualifier=None).not_found()
    return head


def check_revision(function: Function, RevisionId: str | None) -> None:
    """Raise PreconditionFailedException when the caller has another revision in mind."""
    if RevisionId is not None and RevisionId != function.revision_id:
        raise aws_error(
            "PreconditionFailedException",
            "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to "
            "retrieve the latest Revision Id",
            Type="User",
        )


def latest_only(identifier: FunctionIdentifier) -> None:
    """Refuse to change a published version."""
    if identifier.qualifier not in (None, LATEST):
        raise aws_error(
            "InvalidParameterValueException",
            f"The operation is only supported on {LATEST}; {identifier.arn} is a version or an alias.",
            Type="User",
        )
