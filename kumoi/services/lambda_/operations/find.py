"""Finding what a request names: the function, and the version its qualifier means."""

from __future__ import annotations

import random

import msgspec

from kumoi.doorway import Call
from kumoi.services.lambda_.configuration import is_latest
from kumoi.services.lambda_.identifiers import LATEST, FunctionIdentifier, parse, version_number
from kumoi.services.lambda_.records import Alias, Function, FunctionHead, aliases, heads, versions
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error


class Found(msgspec.Struct, frozen=True):
    """A function as a request named it, the version that was meant, and the alias that led to it, if one did."""

    identifier: FunctionIdentifier
    function: Function
    head: FunctionHead
    arn: str
    alias: Alias | None = None


def identify(call: Call, FunctionName: str, Qualifier: str | None = None) -> FunctionIdentifier:
    """The function a request names, read in the caller's account and region."""
    return parse(FunctionName, call.account, call.region, Qualifier)


async def find(call: Call, FunctionName: str, Qualifier: str | None = None) -> Found:
    """The version that `FunctionName` and `Qualifier` mean; ResourceNotFoundException when there is none.

    An alias with weights leads to one of its versions by chance.
    """
    identifier = identify(call, FunctionName, Qualifier)
    state = call.doorway.state.at(identifier.account, identifier.region)
    if version_number(identifier.qualifier) is None:  # an alias: it may lead elsewhere each time
        return await find_all(state, identifier)
    return await state.recall(_find_version, identifier)


async def _find_version(tx: Transaction, identifier: FunctionIdentifier) -> Found:
    """What `find_all` answers where no alias is asked for, which is the same until a record is written."""
    return await find_all(tx, identifier)


@transactional
async def find_all(tx: Transaction, identifier: FunctionIdentifier) -> Found:
    """What `find` answers, within a transaction."""
    head = await heads.get(tx, identifier.name)
    if head is None:
        raise identifier.not_found()
    number, alias = version_number(identifier.qualifier), None
    if number is None:
        alias = await aliases.get(tx, identifier.name, identifier.qualifier)
        if alias is None:
            raise identifier.not_found()
        number = version_number(version_of(alias, random.random()))
    function = await versions.get(tx, identifier.name, number)
    if function is None:
        raise identifier.not_found()
    return Found(identifier, function, head, identifier.arn, alias)


def version_of(alias: Alias, chance: float) -> str:
    """The version that an alias leads to; `chance` is a number from 0 up to 1."""
    for version, weight in alias.weights.items():
        if chance < weight:
            return version
        chance -= weight
    return alias.function_version


@transactional
async def find_version(tx: Transaction, identifier: FunctionIdentifier) -> Function:
    """The stored version an identifier means ($LATEST without a qualifier)."""
    return (await find_all(tx, identifier)).function


async def find_head(tx: Transaction, identifier: FunctionIdentifier) -> FunctionHead:
    """What the versions of a function share; ResourceNotFoundException when there is no such function."""
    head = await heads.get(tx, identifier.name)
    if head is None:
        raise identifier._replace(qualifier=None).not_found()
    return head


async def check_qualifier(tx: Transaction, identifier: FunctionIdentifier) -> str:
    """The qualifier as records have it ("" for the function itself); ResourceNotFoundException when there is none."""
    await find_version(tx, identifier)
    return "" if is_latest(identifier.qualifier) else str(identifier.qualifier)


def check_revision(current: str, RevisionId: str | None, call_this: str = "GetFunction/GetAlias") -> None:
    """Raise PreconditionFailedException when the caller has another revision in mind."""
    if RevisionId is not None and RevisionId != current:
        raise aws_error(
            "PreconditionFailedException",
            f"The Revision Id provided does not match the latest Revision Id. Call the {call_this} API to "
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
