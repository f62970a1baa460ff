"""Execution logs: what happened to a request, line by line, in a log group of the API's stage.

Method settings say how much: OFF, ERROR (what went wrong), INFO (everything), and whether bodies are told. Source: "Set
up CloudWatch logging for REST APIs in API Gateway".
"""

from __future__ import annotations

from typing import Any

from kumoi.http_api.access_log import AccessLogs
from kumoi.http_api.results import HttpResult
from kumoi.services.apigateway.exchange import Exchange
from kumoi.services.apigateway.records import Stage


def settings_of(exchange: Exchange, stage: Stage) -> tuple[str, dict[str, Any]]:
    """The method settings that hold for a request, and the key they stand under: its method's, else the stage's."""
    held: dict[str, dict[str, Any]] = stage.properties.get("methodSettings") or {}
    own = f"{exchange.resource_path.lstrip('/') or '/'}/{exchange.incoming.method}"
    return (own, held[own]) if own in held else ("*/*", held.get("*/*") or {})


def write_execution(exchange: Exchange, stage: Stage, result: HttpResult) -> None:
    """Write what happened to a request, as far as its settings want it."""
    if not stage.properties.get("methodSettings"):
        return
    _, settings = settings_of(exchange, stage)
    level = settings.get("loggingLevel", "OFF")
    if level == "OFF" or (level == "ERROR" and exchange.refused is None):
        return
    group = f"API-Gateway-Execution-Logs_{exchange.api}/{exchange.stage}"
    logs, destination = exchange.call.part(AccessLogs), exchange.call.arn("logs", f"log-group:{group}")
    first = f"HTTP Method: {exchange.incoming.method}, Resource Path: {exchange.resource_path}"
    lines = [first, *exchange.lines, f"Method completed with status: {result.status}"]
    for line in lines if level == "INFO" else exchange.lines[-1:]:
        logs.write(destination, f"({exchange.call.request_id}) {line}", own=True)
