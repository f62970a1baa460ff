"""Parameters in the key space: found by what a request names, written with their versions, removed with them."""

from __future__ import annotations

import msgspec

from kumoi.doorway import Call
from kumoi.services.ssm import expiry
from kumoi.services.ssm.naming import Reference, parse_reference
from kumoi.services.ssm.notices import Notices
from kumoi.services.ssm.records import SECURE, Parameter, Version, key_of, parameters, versions
from kumoi.services.ssm.rules import MOST_VERSIONS
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError, aws_error


def not_found(text: str = "") -> AwsError:
    """ParameterNotFound; AWS says no more than that."""
    return aws_error("ParameterNotFound", text)


def no_version(number: int | str, name: str) -> AwsError:
    """ParameterVersionNotFound."""
    return aws_error(
        "ParameterVersionNotFound",
        f"Systems Manager could not find version {number} of {name}. Verify the version and try again.",
    )


def context_of(account: str, region: str, name: str, number: int) -> str:
    """What a sealed value is bound to."""
    return f"ssm/{account}/{region}/{name}/{number}"


def reference_of(call: Call, text: str) -> Reference:
    """What a member of a request names; ParameterNotFound for a parameter of another account or region."""
    reference = parse_reference(text)
    if reference.account and (reference.account, reference.region) != (call.account, call.region):
        raise not_found(f"{text} belongs to another account or region; Kumoi does not share parameters between them.")
    return reference


@transactional
async def find(tx: Transaction, reference: Reference) -> Parameter | None:
    """The parameter of a reference, whichever version it means."""
    for name in reference.names:
        found = await parameters.get(tx, *key_of(name))
        if found is not None:
            return found
    return None


@transactional
async def find_version(tx: Transaction, reference: Reference) -> Version | None:
    """The version that a reference means, None without such a parameter; ParameterVersionNotFound."""
    parameter = await find(tx, reference)
    if parameter is None:
        return None
    if not reference.selector:
        return parameter.latest
    number = parameter.labels.get(reference.selector) if reference.number is None else reference.number
    if number is None:
        raise no_version(reference.selector, parameter.name)
    return await version_of(tx, parameter, number)


async def version_of(tx: Transaction, parameter: Parameter, number: int) -> Version:
    """A version by its number; ParameterVersionNotFound."""
    if number == parameter.latest.number:
        return parameter.latest
    found = await versions.get(tx, parameter.name, number)
    if found is None:
        raise no_version(number, parameter.name)
    return found


async def add_version(tx: Transaction, before: Parameter | None, version: Version, tags: dict[str, str]) -> None:
    """Store a version as its parameter's latest; the oldest goes where there are too many, unless it has a label."""
    await versions.put(tx, version)
    expiry.set_timer(tx, version)
    if before is None:
        await parameters.put(tx, Parameter(name=version.name, latest=version, tags=tags))
        return
    oldest = before.oldest
    if version.number - oldest >= MOST_VERSIONS:
        if before.labels_of(oldest):
            raise aws_error(
                "ParameterMaxVersionLimitExceeded",
                f"You attempted to create a new version of {version.name} by calling the PutParameter API with the "
                f"overwrite flag. Version {oldest}, the oldest version, can't be deleted because it has a label "
                "associated with it. Move the label to another version of the parameter, and try again.",
            )
        await versions.delete(tx, version.name, oldest)
        oldest += 1
    await parameters.put(tx, msgspec.structs.replace(before, latest=version, oldest=oldest))


async def replace_latest(tx: Transaction, parameter: Parameter, version: Version) -> None:
    """Store the latest version anew: its policies have acted."""
    await versions.put(tx, version)
    await parameters.put(tx, msgspec.structs.replace(parameter, latest=version))


async def remove(tx: Transaction, parameter: Parameter, notices: Notices) -> None:
    """Delete a parameter with all its versions, and tell of it."""
    await parameters.delete(tx, *key_of(parameter.name))
    await versions.delete_all(tx, parameter.name)
    expiry.cancel_timer(tx, parameter.name)
    await notices.changed(tx, parameter.latest, "Delete")


def is_secure(version: Version) -> bool:
    """Whether a version's value is sealed."""
    return version.type == SECURE
