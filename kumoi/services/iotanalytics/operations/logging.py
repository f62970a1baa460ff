"""Whether errors are written to CloudWatch Logs."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.iotanalytics import iotanalytics
from kumoi.services.iotanalytics.records import LoggingOptions, logging_options
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error


@iotanalytics.operation
async def put_logging_options(call: Call, loggingOptions: dict[str, Any]) -> None:
    """Say whether errors are logged."""
    options = LoggingOptions(
        role=loggingOptions["roleArn"], level=loggingOptions["level"], enabled=loggingOptions["enabled"]
    )
    await _put(call.state, options)


@iotanalytics.operation
async def describe_logging_options(call: Call) -> dict[str, Any]:
    """What was said; ResourceNotFoundException before anything was."""
    options = await _get(call.state)
    if options is None:
        raise aws_error("ResourceNotFoundException", "Logging options have not been set.")
    return {"loggingOptions": {"roleArn": options.role, "level": options.level, "enabled": options.enabled}}


@transactional
async def _put(tx: Transaction, options: LoggingOptions) -> None:
    await logging_options.put(tx, options)


@transactional
async def _get(tx: Transaction) -> LoggingOptions | None:
    return await logging_options.get(tx)
