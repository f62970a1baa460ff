"""Runs of rotations: the secret's function is called for each step in turn, as Secrets Manager.

A step that fails ends the run; its reason is logged, and stands in the function's own log. A run that a crash
interrupts is made again from its first step, as functions have to expect.
"""

from __future__ import annotations

import logging

import orjson

from kumoi.doorway import CallDropped, Doorway, Principal
from kumoi.names import Arn
from kumoi.services.secretsmanager import rotation
from kumoi.services.secretsmanager.records import Attempt, Secret
from kumoi.state import State, Timer
from kumoi.wire import AwsError

logger = logging.getLogger(__name__)

SERVICE = "secretsmanager.amazonaws.com"
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
_TRIAL = ("testSecret",)


class StepFailed(Exception):
    """A step of a rotation failed; the text tells why."""


class Rotator:
    """Makes the runs that are due."""

    def __init__(self, doorway: Doorway) -> None:
        self._doorway = doorway

    async def window_opened(self, timer: Timer) -> None:
        """A secret's rotation window has opened."""
        await rotation.window_opened(self._place(timer), timer)

    async def run(self, timer: Timer) -> None:
        """Make one run of a secret's rotation."""
        place = self._place(timer)
        secret = await rotation.under_way(place, timer)
        if secret is None or secret.attempt is None:
            return
        attempt = secret.attempt
        try:
            for step in _TRIAL if attempt.trial else STEPS:
                await self._call(secret, attempt, step)
            if not attempt.trial and not await rotation.is_current(place, secret.name, attempt.version):
                raise StepFailed("finishSecret has not moved AWSCURRENT to the new version")
        except StepFailed as failure:
            logger.warning("the rotation of secret %s failed: %s", secret.name, failure)
            await rotation.run_failed(place, timer)
        else:
            await rotation.run_succeeded(place, timer)

    async def _call(self, secret: Secret, attempt: Attempt, step: str) -> None:
        assert secret.rotation is not None
        event = {"Step": step, "SecretId": secret.arn, "ClientRequestToken": attempt.version}
        function = secret.rotation.function
        request = {"FunctionName": function, "InvocationType": "RequestResponse", "Payload": orjson.dumps(event)}
        caller = Principal.of_service(secret.account, SERVICE, f"secretsmanager:{secret.name}", secret.arn)
        try:
            answer = await self._doorway.ask("lambda", "Invoke", request, caller, Arn.parse(function).region)
        except AwsError as error:
            raise StepFailed(f"{step}: {error}") from None
        except CallDropped:
            raise StepFailed(f"{step}: the function did not answer") from None
        if "FunctionError" in answer:
            raise StepFailed(f"{step}: {bytes(answer['Payload']).decode('utf-8', 'replace')}")

    def _place(self, timer: Timer) -> State:
        return self._doorway.state.at(timer.account, timer.region)
