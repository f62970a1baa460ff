"""The mock file, as Step Functions Local had it: what tasks answer in a test case, attempt by attempt.

`SFN_MOCK_CONFIG` names the file; `stateMachineArn#Case` chooses a case when an execution is started. Attempts are
counted from 0 for each state of an execution: `"0"` or `"1-3"` say which a response is for. A state the case does not
mention runs for real. Beyond what Step Functions Local knew, a response may have a `Delay` in seconds of the platform's
clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from kumoi.clock import Clock
from kumoi.services.stepfunctions.integrations.task import TaskError
from kumoi.wire.errors import aws_error

MOCK_VARIABLE = "SFN_MOCK_CONFIG"


class BadMocks(ValueError):
    """The mock file cannot be used."""


@dataclass(frozen=True, slots=True)
class Response:
    """What one attempt comes to."""

    result: Any = None
    error: str | None = None
    cause: str = ""
    delay: float = 0.0

    async def answer(self, clock: Clock) -> Any:
        """The task's result, after the delay; TaskError where the mock throws."""
        if self.delay:
            await clock.sleep(self.delay)
        if self.error is not None:
            raise TaskError(self.error, self.cause)
        return self.result


Cases = dict[tuple[str, str], dict[str, str]]
Responses = dict[str, list[tuple[int, int, Response]]]


class Mocks:
    """The cases of a mock file; none without a file."""

    def __init__(self, cases: Cases, responses: Responses) -> None:
        self._cases = cases
        self._responses = responses

    @classmethod
    def load(cls, path: str | None) -> Mocks:
        """Read a file; BadMocks when it makes no sense."""
        if not path:
            return cls({}, {})
        try:
            document = orjson.loads(Path(path).read_bytes())
            return cls.parse(document)
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise BadMocks(f"{MOCK_VARIABLE}={path}: {error}") from error

    @classmethod
    def parse(cls, document: dict[str, Any]) -> Mocks:
        """The cases and responses of a document; ValueError and the like when it makes no sense."""
        cases = {
            (machine, case): dict(states)
            for machine, body in document["StateMachines"].items()
            for case, states in body["TestCases"].items()
        }
        responses = {name: _attempts(name, body) for name, body in document["MockedResponses"].items()}
        for (machine, case), states in cases.items():
            for state, name in states.items():
                if name not in responses:
                    raise ValueError(f"{machine}#{case}: the response {name} of the state {state} is not defined")
        return cls(cases, responses)

    def check(self, machine: str, case: str) -> None:
        """Raise for a case that there is not."""
        if (machine, case) not in self._cases:
            raise aws_error("ValidationException", f"There is no test case {case} of {machine} in the mock file")

    def response(self, machine: str, case: str, state: str, attempt: int) -> Response | None:
        """What an attempt of a state comes to; None where it runs for real, TaskError beyond the last response."""
        name = self._cases.get((machine, case), {}).get(state)
        if name is None:
            return None
        for first, last, response in self._responses[name]:
            if first <= attempt <= last:
                return response
        raise TaskError(
            "States.Runtime", f"The mocked response {name} has nothing for the attempt {attempt} of {state}"
        )


def _attempts(name: str, body: dict[str, Any]) -> list[tuple[int, int, Response]]:
    found: list[tuple[int, int, Response]] = []
    for key, given in body.items():
        first, _, last = key.partition("-")
        found.append((int(first), int(last or first), _response(given)))
    found.sort(key=lambda one: one[0])
    following = 0
    for start, end, _ in found:
        if start != following or end < start:
            raise ValueError(f"the attempts of the response {name} must follow one another from 0")
        following = end + 1
    return found


def _response(given: dict[str, Any]) -> Response:
    if ("Return" in given) == ("Throw" in given):
        raise ValueError("a response has either Return or Throw")
    delay = float(given.get("Delay", 0))
    if "Return" in given:
        return Response(given["Return"], delay=delay)
    thrown = given["Throw"]
    return Response(error=str(thrown["Error"]), cause=str(thrown.get("Cause", "")), delay=delay)
