"""Secrets and their versions in the key space: found by SecretId, written with their replicas, removed.

Whatever is written to a secret is written to its replicas in the same transaction.
"""

from __future__ import annotations

import msgspec

from kumoi.doorway import Call
from kumoi.doorway.sealing import Sealer
from kumoi.services.secretsmanager.errors import bad_parameter, exists, marked_for_deletion, no_secret, replicated
from kumoi.services.secretsmanager.naming import Wanted, parse_id
from kumoi.services.secretsmanager.records import Secret, SecretVersion, secrets, versions
from kumoi.state import State, Transaction, transactional

MOST_BYTES = 65_536
MOST_VERSIONS = 100
DAY = 86_400.0
DELETION, SCHEDULE, ROTATION = "secretsmanager.deletion", "secretsmanager.schedule", "secretsmanager.rotation"
"""The topics of a secret's timers: the end of its recovery window, the next rotation window, a rotation's next run."""


class Content(msgspec.Struct, frozen=True):
    """A secret's value in the clear."""

    value: bytes
    binary: bool = False


def content_of(text: str | None, binary: bytes | None) -> Content | None:
    """The value that a request gives, or None; InvalidParameterException for two, or one too large."""
    if text is not None and binary is not None:
        raise bad_parameter(
            "You can't specify both a binary secret value and a string secret value in the same secret."
        )
    if text is None and binary is None:
        return None
    content = Content(text.encode(), False) if text is not None else Content(binary or b"", True)
    if len(content.value) > MOST_BYTES:
        raise bad_parameter(f"The secret value can't be larger than {MOST_BYTES} bytes.")
    return content


async def place_of(call: Call, secret_id: str) -> tuple[State, Wanted]:
    """Where the secret of a SecretId is, and what to look for; it may be another account's."""
    wanted = parse_id(secret_id)
    if wanted.region not in (None, call.region):
        raise no_secret()
    account = wanted.account or call.account
    state = call.doorway.state.at(account, call.region)
    if account != call.account:
        found = await seek(state, wanted)
        if found is None:
            raise no_secret()
    return state, wanted


@transactional
async def seek(tx: Transaction, wanted: Wanted) -> Secret | None:
    """The secret, None without one; one that waits to be deleted is found, too."""
    found = await secrets.get(tx, wanted.name)
    if found is not None and wanted.suffix in (None, found.suffix):
        return found
    return None if wanted.whole is None else await secrets.get(tx, wanted.whole)


@transactional
async def find(tx: Transaction, wanted: Wanted, *, deleted: bool = False) -> Secret:
    """The secret; ResourceNotFoundException, and InvalidRequestException for one that waits to be `deleted`."""
    found = await seek(tx, wanted)
    if found is None:
        raise no_secret()
    if found.deletes is not None and not deleted:
        raise marked_for_deletion()
    return found


async def find_own(tx: Transaction, wanted: Wanted, *, deleted: bool = False) -> Secret:
    """The secret, to be changed; InvalidRequestException where it is a replica."""
    found = await find(tx, wanted, deleted=deleted)
    if found.primary is not None:
        raise replicated()
    return found


def copy_for(secret: Secret, region: str) -> Secret:
    """A secret as its replica in a region has it."""
    return msgspec.structs.replace(
        secret,
        region=region,
        primary=secret.region,
        replicas={},
        attempt=None,
        kms_key=secret.replicas[region].kms_key,
    )


def homes(tx: Transaction, secret: Secret) -> list[Transaction]:
    """The transaction where a secret is, and where its replicas are."""
    copies = [region for region, replica in secret.replicas.items() if replica.failure is None]
    return [tx, *(tx.at(secret.account, region) for region in copies)]


async def keep(tx: Transaction, secret: Secret) -> None:
    """Store a secret, and its replicas."""
    for home in homes(tx, secret):
        await secrets.put(home, secret if home is tx else copy_for(secret, home.region))


async def keep_version(tx: Transaction, secret: Secret, version: SecretVersion) -> None:
    """Store a version, and its replicas."""
    for home in homes(tx, secret):
        await versions.put(home, version)


async def drop_version(tx: Transaction, secret: Secret, version: str) -> None:
    """Remove a version, and its replicas."""
    for home in homes(tx, secret):
        await versions.delete(home, secret.name, version)


async def erase(tx: Transaction, secret: Secret) -> None:
    """Remove a secret for good."""
    await secrets.delete(tx, secret.name)
    await versions.delete_all(tx, secret.name)
    for topic in (DELETION, SCHEDULE, ROTATION):
        tx.cancel_timer(topic, secret.name)


def _context(secret: Secret, version: str) -> str:
    return f"secretsmanager/{secret.account}/{secret.name}-{secret.suffix}/{version}"


def opened(sealer: Sealer, secret: Secret, version: SecretVersion) -> Content | None:
    """A version's value in the clear; None where it has none yet."""
    if version.value is None:
        return None
    return Content(sealer.open(version.value, _context(secret, version.id)), version.binary)


async def add_version(tx: Transaction, sealer: Sealer, secret: Secret, version_id: str, content: Content) -> bool:
    """Store a value as a version; False where that version has this value already.

    A version that a rotation has begun gets its value so. ResourceExistsException where it has another.
    """
    known = await versions.get(tx, secret.name, version_id)
    if known is not None and known.value is not None:
        if opened(sealer, secret, known) == content:
            return False
        raise exists(
            f"You can't use ClientRequestToken {version_id} because that value is already in use for a version of "
            f"secret {secret.arn}."
        )
    sealed = sealer.seal(content.value, _context(secret, version_id))
    version = SecretVersion(secret=secret.name, id=version_id, created=tx.now, value=sealed, binary=content.binary)
    await keep_version(tx, secret, version)
    return True


async def prune(tx: Transaction, secret: Secret) -> None:
    """Drop the oldest versions without a label beyond those kept, unless they were made within a day."""
    kept = await versions.list(tx, secret.name)
    excess = len(kept) - MOST_VERSIONS
    if excess <= 0:
        return
    labelled = set(secret.stages.values())
    old = [one for one in kept if one.id not in labelled and one.created < tx.now - DAY]
    for version in sorted(old, key=lambda one: one.created)[:excess]:
        await drop_version(tx, secret, version.id)
