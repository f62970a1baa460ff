"""chaostoolkit's experiments (JSON or YAML) as ours: hypotheses, actions and probes over HTTP, and those of
chaostoolkit-aws that are one call of Lambda or FIS.

Processes, controls and other Python modules are refused: they would run code that the file brings. `chaos run` itself
works against a platform, and runs all of it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from kumoi.experiments.model import BadExperiment

_LOCAL = {"localhost", "127.0.0.1", "[::1]", "::1"}


def _concurrency(given: Mapping[str, Any]) -> tuple[str, str, dict[str, Any]]:
    reserved = given.get("concurrent_executions")
    parameters = {"FunctionName": given["function_name"], "ReservedConcurrentExecutions": reserved}
    return "lambda", "PutFunctionConcurrency", parameters


_CALLS: dict[str, Callable[[Mapping[str, Any]], tuple[str, str, dict[str, Any]]]] = {
    "chaosaws.awslambda.actions.put_function_concurrency": _concurrency,
    "chaosaws.awslambda.actions.delete_function_concurrency": lambda given: (
        "lambda",
        "DeleteFunctionConcurrency",
        {"FunctionName": given["function_name"]},
    ),
    "chaosaws.awslambda.actions.put_function_timeout": lambda given: (
        "lambda",
        "UpdateFunctionConfiguration",
        {"FunctionName": given["function_name"], "Timeout": given["timeout"]},
    ),
    "chaosaws.awslambda.actions.put_function_memory_size": lambda given: (
        "lambda",
        "UpdateFunctionConfiguration",
        {"FunctionName": given["function_name"], "MemorySize": given["memory_size"]},
    ),
    "chaosaws.awslambda.actions.toggle_event_source_mapping_state": lambda given: (
        "lambda",
        "UpdateEventSourceMapping",
        {"UUID": given["event_uuid"], "Enabled": given["enabled"]},
    ),
    "chaosaws.awslambda.probes.get_function_concurrency": lambda given: (
        "lambda",
        "GetFunctionConcurrency",
        {"FunctionName": given["function_name"]},
    ),
    "chaosaws.awslambda.probes.get_function_timeout": lambda given: (
        "lambda",
        "GetFunctionConfiguration",
        {"FunctionName": given["function_name"]},
    ),
    "chaosaws.fis.actions.start_experiment": lambda given: (
        "fis",
        "StartExperiment",
        {"experimentTemplateId": given["experiment_template_id"]},
    ),
    "chaosaws.fis.actions.stop_experiment": lambda given: (
        "fis",
        "StopExperiment",
        {"id": given["experiment_id"]},
    ),
}
_SELECT = {
    "chaosaws.awslambda.probes.get_function_concurrency": "ReservedConcurrentExecutions",
    "chaosaws.awslambda.probes.get_function_timeout": "Timeout",
}


def converted(found: Mapping[str, Any]) -> dict[str, Any]:
    """A chaostoolkit experiment as a mapping of ours; BadExperiment for what it cannot be."""
    for refused in ("controls", "secrets", "runtime"):
        if found.get(refused):
            raise BadExperiment(f"{refused} of chaostoolkit are not taken; run it with `chaos run`")
    values = {name: _configured(value) for name, value in (found.get("configuration") or {}).items()}
    hypothesis = found.get("steady-state-hypothesis") or {}
    return {
        "title": str(found.get("title", "")),
        "description": str(found.get("description", "")),
        "variables": values,
        "steady_state": [_probe(one) for one in hypothesis.get("probes", [])],
        "method": [step for one in found.get("method") or [] for step in _steps(one)],
        "rollback": [step for one in found.get("rollbacks") or [] for step in _steps(one)],
    }


def _configured(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    if value.get("type") != "env":
        raise BadExperiment(f"configuration of type {value.get('type')!r} is not taken")
    found = os.environ.get(str(value.get("key")), value.get("default"))
    if found is None:
        raise BadExperiment(f"the environment has no {value.get('key')}")
    return found


def _steps(activity: Mapping[str, Any]) -> list[dict[str, Any]]:
    pauses = activity.get("pauses") or {}
    steps = [{"pause": f"{float(pauses['before']):g}s"}] if pauses.get("before") else []
    steps.append({"title": str(activity.get("name", "")), **_provided(activity)})
    if pauses.get("after"):
        steps.append({"pause": f"{float(pauses['after']):g}s"})
    return steps


def _probe(activity: Mapping[str, Any]) -> dict[str, Any]:
    provided = _provided(activity)
    expect: dict[str, Any] = {}
    tolerance = activity.get("tolerance")
    select = _SELECT.get(_name(activity.get("provider") or {}))
    if "http" in provided:
        if (isinstance(tolerance, int) and not isinstance(tolerance, bool)) or (
            isinstance(tolerance, list) and all(isinstance(one, int) for one in tolerance)
        ):
            expect["status"] = tolerance
        elif isinstance(tolerance, Mapping) and tolerance.get("type") == "regex":
            expect["contains"] = str(tolerance.get("pattern", ""))
            if re.search(r"[\\.*+?\[\](){}|^$]", expect["contains"]):
                raise BadExperiment("a tolerance of type regex is taken for plain texts alone")
        elif tolerance is not None:
            raise BadExperiment(f"the tolerance {tolerance!r} of {activity.get('name')!r} is not taken")
    elif select is not None:
        expect = {"select": select, "equals": tolerance}
    elif tolerance not in (None, True):
        raise BadExperiment(f"the tolerance {tolerance!r} of {activity.get('name')!r} is not taken")
    return {"title": str(activity.get("name", "")), **provided, "expect": expect}


def _provided(activity: Mapping[str, Any]) -> dict[str, Any]:
    provider = activity.get("provider") or {}
    kind = provider.get("type")
    if kind == "http":
        return {"http": _request(provider)}
    if kind == "python" and _name(provider) in _CALLS:
        try:
            service, operation, parameters = _CALLS[_name(provider)](provider.get("arguments") or {})
        except KeyError as error:
            raise BadExperiment(f"{activity.get('name')!r} lacks the argument {error}") from None
        return {"call": {"service": service, "operation": operation, "parameters": parameters}}
    what = f"{_name(provider)}" if kind == "python" else f"a provider of type {kind!r}"
    raise BadExperiment(f"{activity.get('name')!r} needs {what}, which is not taken; run it with `chaos run`")


def _name(provider: Mapping[str, Any]) -> str:
    return f"{provider.get('module')}.{provider.get('func')}"


def _request(provider: Mapping[str, Any]) -> dict[str, Any]:
    parts = urlsplit(str(provider.get("url", "")))
    if parts.hostname is not None and parts.hostname not in _LOCAL and not parts.hostname.endswith(".localhost"):
        raise BadExperiment(f"{parts.hostname} is not the platform")
    found: dict[str, Any] = {
        "path": (parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
        "method": str(provider.get("method", "GET")).upper(),
        "headers": {str(name): str(value) for name, value in (provider.get("headers") or {}).items()},
        "timeout": f"{float(provider.get('timeout') or 30):g}s",
    }
    if parts.hostname is not None and parts.hostname.endswith(".localhost"):
        found["host"] = parts.netloc
    if provider.get("arguments") is not None:
        found["body"] = provider["arguments"]
    return found
