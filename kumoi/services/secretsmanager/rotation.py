"""Rotation: how a run begins, what each outcome of it means, and when the next one is due.

A run makes a version of its own, labelled AWSPENDING and without a value, and calls the secret's function in four
steps (`rotator.py`). It has succeeded once AWSCURRENT is on that version; a run that failed is made again, five times
in all, with the same version. Source: "Rotation by Lambda function" of the user guide.
"""

from __future__ import annotations

import msgspec

from kumoi.doorway.sealing import Sealer
from kumoi.names import uuid
from kumoi.services.secretsmanager.records import Attempt, Secret, SecretVersion, secrets, versions
from kumoi.services.secretsmanager.rotation_windows import next_window
from kumoi.services.secretsmanager.staging import CURRENT, PENDING
from kumoi.services.secretsmanager.store import (
    ROTATION,
    SCHEDULE,
    add_version,
    drop_version,
    keep,
    keep_version,
    opened,
)
from kumoi.state import Timer, Transaction, transactional

MOST_RUNS = 5
FIRST_PAUSE = 60.0
"""Seconds until a run that failed is made again; twice as many after each further failure."""


def set_schedule(tx: Transaction, secret: Secret) -> Secret:
    """Have a secret rotated in its next window, or not at all; the secret with the window's end noted."""
    rotation = secret.rotation
    window = next_window(rotation, tx.now) if rotation is not None and rotation.enabled else None
    if rotation is None or window is None:
        tx.cancel_timer(SCHEDULE, secret.name)
        return (
            secret
            if rotation is None
            else msgspec.structs.replace(secret, rotation=msgspec.structs.replace(rotation, next=None))
        )
    tx.timer(window.opens, SCHEDULE, secret.name.encode(), key=secret.name)
    return msgspec.structs.replace(secret, rotation=msgspec.structs.replace(rotation, next=window.closes))


def unfinished(secret: Secret) -> str | None:
    """The version that an earlier rotation has begun and not brought to be the current one."""
    pending = secret.stages.get(PENDING)
    return None if pending is None or pending == secret.stages.get(CURRENT) else pending


async def begin(tx: Transaction, secret: Secret, version: str) -> Secret:
    """Begin a run: its version is made without a value and labelled, and the run is due at once."""
    if await versions.get(tx, secret.name, version) is None:
        await keep_version(tx, secret, SecretVersion(secret=secret.name, id=version, created=tx.now))
    return await _begun(tx, secret, Attempt(version=version))


async def begin_trial(tx: Transaction, sealer: Sealer, secret: Secret, version: str) -> Secret:
    """Begin a run of testSecret alone, on a version that has the current value and is removed afterwards."""
    current = await versions.get(tx, secret.name, secret.stages.get(CURRENT, ""))
    content = None if current is None else opened(sealer, secret, current)
    if content is None:
        return secret
    await add_version(tx, sealer, secret, version, content)
    return await _begun(tx, secret, Attempt(version=version, trial=True))


async def _begun(tx: Transaction, secret: Secret, attempt: Attempt) -> Secret:
    stages = {**secret.stages, PENDING: attempt.version}
    secret = msgspec.structs.replace(secret, stages=stages, attempt=attempt)
    await keep(tx, secret)
    run_at(tx, secret, tx.now)
    return secret


def goes_on(secret: Secret) -> bool:
    """Whether a run is being made, or will be made again."""
    return secret.attempt is not None and secret.attempt.failures < MOST_RUNS


def run_at(tx: Transaction, secret: Secret, due: float) -> None:
    """Have the secret's run made at a time."""
    tx.timer(due, ROTATION, secret.name.encode(), key=secret.name)


@transactional
async def window_opened(tx: Transaction, timer: Timer) -> None:
    """A window has opened: rotate, or go on with a rotation that has not come to its end."""
    tx.complete_timer(timer)
    secret = await secrets.get(tx, timer.payload.decode())
    if secret is None or secret.rotation is None or not secret.rotation.enabled or secret.deletes is not None:
        return
    secret = set_schedule(tx, secret)
    if goes_on(secret):
        await keep(tx, secret)
    else:
        await begin(tx, secret, unfinished(secret) or uuid())


@transactional
async def run_failed(tx: Transaction, timer: Timer) -> None:
    """A step failed: the run is made again after a pause, unless that has been done often enough."""
    tx.complete_timer(timer)
    secret = await secrets.get(tx, timer.payload.decode())
    if secret is None or secret.attempt is None:
        return
    attempt = msgspec.structs.replace(secret.attempt, failures=secret.attempt.failures + 1)
    if attempt.trial:
        await _end_trial(tx, secret)
        return
    secret = msgspec.structs.replace(secret, attempt=attempt)
    await keep(tx, secret)
    if attempt.failures < MOST_RUNS:
        run_at(tx, secret, tx.now + FIRST_PAUSE * 2 ** (attempt.failures - 1))


@transactional
async def run_succeeded(tx: Transaction, timer: Timer) -> None:
    """Every step was taken: the rotation is noted, and the next one set."""
    tx.complete_timer(timer)
    secret = await secrets.get(tx, timer.payload.decode())
    if secret is None or secret.attempt is None:
        return
    if secret.attempt.trial:
        await _end_trial(tx, secret)
        return
    rotation = secret.rotation
    if rotation is not None:
        rotation = msgspec.structs.replace(rotation, last=tx.now)
    secret = msgspec.structs.replace(secret, attempt=None, rotation=rotation, changed=tx.now)
    await keep(tx, set_schedule(tx, secret))


async def _end_trial(tx: Transaction, secret: Secret) -> None:
    """Take away the version that a trial was made with."""
    assert secret.attempt is not None
    stages = {label: version for label, version in secret.stages.items() if version != secret.attempt.version}
    await drop_version(tx, secret, secret.attempt.version)
    await keep(tx, msgspec.structs.replace(secret, attempt=None, stages=stages))


@transactional
async def under_way(tx: Transaction, timer: Timer) -> Secret | None:
    """The secret whose run is due; None (and no timer any more) where there is nothing to run."""
    secret = await secrets.get(tx, timer.payload.decode())
    if secret is None or secret.attempt is None or secret.rotation is None or secret.deletes is not None:
        tx.complete_timer(timer)
        return None
    return secret


@transactional
async def is_current(tx: Transaction, name: str, version: str) -> bool:
    """Whether a version is the current one."""
    secret = await secrets.get(tx, name)
    return secret is not None and secret.stages.get(CURRENT) == version
