"""What the holder of a task token reports: success, failure, or that it lives."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.stepfunctions import stepfunctions
from kumoi.services.stepfunctions.driver import Driver
from kumoi.services.stepfunctions.engine import Engine
from kumoi.services.stepfunctions.language.json_text import loads, too_deep, too_large
from kumoi.services.stepfunctions.records import Early, TokenRecord, tokens
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError, aws_error


@stepfunctions.operation
async def send_task_success(call: Call, taskToken: str, output: str) -> dict[str, Any]:
    """The task has succeeded with an output."""
    try:
        loads(output)
    except ValueError as error:
        raise aws_error("InvalidOutput", f"Invalid Output: 'Unrecognized token: {error}'") from None
    if too_large(output) or too_deep(output):
        raise aws_error("InvalidOutput", "Invalid Output: 'Output is longer than 262144 bytes, or nested too deeply'")
    await _report(call, taskToken, Early(succeeded=True, output=output))
    return {}


@stepfunctions.operation
async def send_task_failure(
    call: Call, taskToken: str, error: str | None = None, cause: str | None = None
) -> dict[str, Any]:
    """The task has failed."""
    await _report(call, taskToken, Early(succeeded=False, error=error, cause=cause))
    return {}


@stepfunctions.operation
async def send_task_heartbeat(call: Call, taskToken: str) -> dict[str, Any]:
    """The worker lives: its heartbeat's time begins anew."""
    token, driver = await _waiting(call, taskToken)
    await driver.post(lambda one: one.beat(token.frame, token.scheduled))
    return {}


async def _report(call: Call, text: str, outcome: Early) -> None:
    token, driver = await _waiting(call, text)
    if not await driver.post(lambda one: one.callback(token.frame, token.scheduled, outcome)):
        raise _timed_out()


async def _waiting(call: Call, text: str) -> tuple[TokenRecord, Driver]:
    """The token's record, and who drives the execution that waits for it; TaskTimedOut when none does."""
    if not text.startswith("AQC"):
        raise aws_error("InvalidToken", "Invalid Token: 'Invalid token'")
    token = await _token(call.state, text)
    if token is not None:
        kind = f"arn:aws:states:{token.region}:{token.account}:execution:{token.machine}:{token.execution}"
        driver = await call.part(Engine).driver(kind)
        if driver is not None and driver.interpreter.task(token.frame, token.scheduled) is not None:
            return token, driver
    raise _timed_out()


def _timed_out() -> AwsError:
    return aws_error("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'")


@transactional
async def _token(tx: Transaction, text: str) -> TokenRecord | None:
    return await tokens.get(tx, text)
