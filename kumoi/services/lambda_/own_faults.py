"""Faults that a function's own environment variables ask for, in the words of the libraries that inject them on AWS.

failure-lambda (FAILURE_INJECTION_PARAM) and chaos-lambda (CHAOS_PARAM) read their settings from a parameter of SSM,
the chaos-lambda-extension (CHAOS_EXTENSION__…) from variables. Kumoi injects what they would, so that neither has to be
in the package or in a layer; a function that does bring one of them is left to it. What a setting says that cannot be
read is no fault.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from kumoi.doorway import Call, Fault
from kumoi.services.lambda_.records import Function
from kumoi.wire.errors import AwsError

FAILURE_LAMBDA, CHAOS_LAMBDA, EXTENSION = "FAILURE_INJECTION_PARAM", "CHAOS_PARAM", "CHAOS_EXTENSION__"
WRAPPER, EXTENSIONS_WRAPPER = "AWS_LAMBDA_EXEC_WRAPPER", "/opt/bootstrap"
LIBRARIES = {
    FAILURE_LAMBDA: ("node_modules/failure-lambda", "nodejs/node_modules/failure-lambda"),
    CHAOS_LAMBDA: ("chaos_lambda", "chaos_lambda.py", "python/chaos_lambda", "python/chaos_lambda.py"),
    EXTENSION: ("bootstrap", "extensions/chaos-lambda-extension"),
}
"""Where each library lies in a package or a layer that brings it."""


def asked_for(variables: Mapping[str, str] | None) -> str | None:
    """Which library's variables a function has; None for most."""
    if not variables:
        return None
    if FAILURE_LAMBDA in variables:
        return FAILURE_LAMBDA
    if CHAOS_LAMBDA in variables:
        return CHAOS_LAMBDA
    return EXTENSION if any(name.startswith(EXTENSION) for name in variables) else None


def brings(library: str, *places: Path | None) -> bool:
    """Whether a package or its layers hold the library; blocks."""
    return any((place / name).exists() for place in places if place is not None for name in LIBRARIES[library])


async def own_faults(call: Call, function: Function, library: str) -> list[Fault]:
    """The faults that a function asks for, on behalf of an invocation."""
    variables = function.environment or {}
    if library == EXTENSION:
        return from_extension(function.name, variables)
    try:
        answer = await call.to("ssm", "GetParameter", Name=variables[library], WithDecryption=True)
        settings = json.loads(answer["Parameter"]["Value"])
    except (AwsError, ValueError):
        return []
    if not isinstance(settings, dict):
        return []
    if library == CHAOS_LAMBDA:
        return from_chaos_lambda(function.name, settings)
    return from_failure_lambda(function.name, settings, function.tmp_size)


def from_failure_lambda(name: str, settings: Mapping[str, Any], tmp_mb: int) -> list[Fault]:
    """failure-lambda's settings: one mode with a rate, or (from version 1 on) a flag for each."""
    if "isEnabled" in settings:
        if settings.get("isEnabled") is not True:
            return []
        modes = {str(settings.get("failureMode")): settings}
    else:
        modes = {
            mode: flag for mode, flag in settings.items() if isinstance(flag, dict) and (flag.get("enabled") is True)
        }
    found = []
    for mode, flag in modes.items():
        rate = _number(flag, "percentage", -1.0) / 100 if "percentage" in flag else _number(flag, "rate", 1.0)
        given: dict[str, Any] = {"id": f"failure-lambda:{name}:{mode}", "probability": rate}
        if mode == "latency":
            low, high = (
                _number(flag, "minLatency", 100.0, "min_latency"),
                _number(flag, "maxLatency", 400.0, "max_latency"),
            )
            given |= {"action": "delay", "delay_ms": (low + high) / 2}
            given |= {"distribution": "uniform", "spread_ms": abs(high - low) / 2}
        elif mode == "exception":
            message = flag.get("exceptionMsg", flag.get("exception_msg", "Exception message!"))
            given |= {"action": "fail", "error": "Error", "message": str(message)}
        elif mode == "statuscode":
            status = int(_number(flag, "statusCode", 404, "status_code"))
            given |= {"action": "answer", "payload": orjson.dumps({"statusCode": status}).decode()}
        elif mode == "diskspace":
            taken = int(_number(flag, "diskSpace", 100, "disk_space"))
            given |= {"action": "disk", "limit_mb": min(max(tmp_mb - taken, 1), tmp_mb)}
        else:
            continue
        found += _fault(given)
    return found


def from_chaos_lambda(name: str, settings: Mapping[str, Any]) -> list[Fault]:
    """chaos-lambda's settings: `fault_type` says what happens; without one, a delay or an exception."""
    if settings.get("is_enabled", settings.get("isEnabled")) is not True:
        return []
    given: dict[str, Any] = {"id": f"chaos-lambda:{name}", "probability": _number(settings, "rate", 1.0)}
    kind = settings.get("fault_type") or ("latency" if "delay" in settings else "exception")
    if kind == "latency":
        given |= {"action": "delay", "delay_ms": _number(settings, "delay", 400.0)}
    elif kind == "exception":
        message = settings.get("exception_msg", "This is chaos")
        given |= {"action": "fail", "error": "Exception", "message": str(message)}
    elif kind == "status_code":
        status = int(_number(settings, "error_code", 404))
        given |= {"action": "answer", "payload": orjson.dumps({"statusCode": status}).decode()}
    else:
        return []
    return _fault(given)


def from_extension(name: str, variables: Mapping[str, str]) -> list[Fault]:
    """The extension's variables: a latency in seconds, an answer in place of the function's."""

    def on(flag: str) -> bool:
        return variables.get(flag, "").lower() == "true"

    found = []
    if on(f"{EXTENSION}LAMBDA__ENABLE_LATENCY"):
        found += _fault(
            {
                "id": f"chaos-extension:{name}:latency",
                "action": "delay",
                "delay_ms": _number(variables, f"{EXTENSION}LAMBDA__LATENCY_VALUE", 900.0) * 1000,
                "probability": _number(variables, f"{EXTENSION}LAMBDA__LATENCY_PROBABILITY", 0.9),
            }
        )
    response = f"{EXTENSION}RESPONSE__"
    if on(f"{response}ENABLE_CHANGE_REPONSE_BODY") or on(f"{response}ENABLE_CHANGE_RESPONSE_BODY"):
        usual = '{"statusCode":500,"body":"hello, Chaos!!!"}'
        found += _fault(
            {
                "id": f"chaos-extension:{name}:response",
                "action": "answer",
                "phase": "after",
                "payload": variables.get(f"{response}DEFAULT_RESPONSE", usual),
                "probability": _number(variables, f"{response}CHANGE_RESPONSE_PROBABILITY", 0.9),
            }
        )
    return found


def _fault(given: dict[str, Any]) -> list[Fault]:
    """The fault, or none where a number makes no sense."""
    try:
        return [Fault(point="run", service="lambda", **given)]
    except ValueError:
        return []


def _number(settings: Mapping[str, Any], name: str, usual: float, other: str = "") -> float:
    value = settings.get(name, settings.get(other, usual))
    try:
        return float(value)
    except (TypeError, ValueError):
        return usual
