"""What may bite later in a definition that is valid: findings of severity INFO beside validation's own.

Each names an idiom that saves trouble: keep the input beside an error, spread retries, bound waits for tokens.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import orjson

from kumoi.services.stepfunctions.language.diagnostics import ERROR, Diagnostic
from kumoi.services.stepfunctions.language.validation import validate

INFO = "INFO"
LAMBDA_ERRORS = (
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
)
"""The errors of Lambda itself that a task should retry, as the developer guide advises."""


def lint(text: str, *, express: bool = False) -> list[Diagnostic]:
    """Everything validation finds, and what is worth a second look."""
    found = validate(text, express=express)
    if any(one.severity == ERROR for one in found):
        return found
    document = orjson.loads(text)
    jsonata = document.get("QueryLanguage") == "JSONata"
    states = list(_states(document, ""))
    for place, state in states:
        found += _state(place, state, jsonata=state.get("QueryLanguage") == "JSONata" or jsonata)
    return found + _unused(states)


def _states(flow: dict[str, Any], at: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, state in flow["States"].items():
        place = f"{at}/States/{name}"
        yield place, state
        for number, branch in enumerate(state.get("Branches", ())):
            yield from _states(branch, f"{place}/Branches[{number}]")
        for field in ("ItemProcessor", "Iterator"):
            if field in state:
                yield from _states(state[field], f"{place}/{field}")


def _state(place: str, state: dict[str, Any], *, jsonata: bool) -> list[Diagnostic]:
    found: list[Diagnostic] = []

    def note(code: str, message: str, field: str = "") -> None:
        found.append(Diagnostic(INFO, code, message, f"{place}/{field}" if field else place))

    for number, catcher in enumerate(state.get("Catch", ())):
        if not jsonata and "ResultPath" not in catcher and "Assign" not in catcher:
            note(
                "CATCH_LOSES_INPUT",
                'The error replaces the input: set "ResultPath": "$.error", or keep what is needed by Assign',
                f"Catch[{number}]",
            )
    for number, retrier in enumerate(state.get("Retry", ())):
        if retrier.get("MaxAttempts") != 0 and retrier.get("JitterStrategy") != "FULL":
            note(
                "RETRY_WITHOUT_JITTER",
                'Retries at the same time meet again: "JitterStrategy": "FULL"',
                f"Retry[{number}]",
            )
    resource = str(state.get("Resource", ""))
    bounded = any(state.get(name) for name in ("TimeoutSeconds", "HeartbeatSeconds", "TimeoutSecondsPath"))
    if resource.endswith(".waitForTaskToken") or ":activity:" in resource:
        if not bounded:
            note("WAIT_WITHOUT_END", "A lost token is waited for a year: set TimeoutSeconds or HeartbeatSeconds")
        if resource.endswith(".waitForTaskToken") and "Task.Token" not in str(state):
            note("TOKEN_NOT_HANDED_OUT", "Nothing in the arguments holds the task token: nobody can answer")
    if ":lambda:" in resource:
        named = {name for retrier in state.get("Retry", ()) for name in retrier["ErrorEquals"]}
        if not named & {"States.ALL", "States.TaskFailed"} and not named.issuperset(LAMBDA_ERRORS):
            note("LAMBDA_WITHOUT_RETRY", f"Lambda's own passing errors are not retried: {', '.join(LAMBDA_ERRORS)}")
    return found


def _unused(states: list[tuple[str, dict[str, Any]]]) -> list[Diagnostic]:
    text = orjson.dumps([state for _, state in states]).decode()
    found = []
    for place, state in states:
        for key in state.get("Assign", {}):
            name = key.removesuffix(".$")
            if not re.search(rf"\${re.escape(name)}\b", text):
                found.append(
                    Diagnostic(INFO, "UNUSED_VARIABLE", f"The variable '{name}' is never read", f"{place}/Assign/{key}")
                )
    return found
