"""What an experiment asks of the application: the load of its users, and single requests and calls.

Users have threads of their own, and traces of their own, so that it can be told which fault met which request.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from concurrent.futures import CancelledError, ThreadPoolExecutor
from typing import Any

import msgspec

from kumoi.experiments.application import Answer, Application
from kumoi.experiments.model import ApiCall, BadExperiment, HttpRequest, Load, filled, seconds
from kumoi.experiments.verdict import Outcome, met
from kumoi.names import trace_id

_RETRY_PAUSE = 0.2
_LONGEST_PAUSE = 20.0
"""Seconds, as SDKs have it."""


class Users:
    """The users of one application."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._over = threading.Event()

    def leave(self) -> None:
        """Have them ask for nothing more: the run is broken off."""
        self._over.set()

    def work(self, load: Load, variables: Mapping[str, Any]) -> list[Outcome]:
        """Have them do what they do; how each of their requests ended, in order."""
        pause = 1 / load.rate if load.rate else 0.0
        began = time.monotonic()
        with ThreadPoolExecutor(load.parallel, thread_name_prefix="user") as users:
            asked = []
            try:
                for number in range(1, (load.count if load.replay is None else len(load.replay)) + 1):
                    due = began + pause * (number - 1)
                    self._over.wait(max(due - time.monotonic(), 0.0))
                    asked.append(users.submit(self._request, load, variables, number))
                return [one.result() for one in asked]
            except BaseException:
                self.leave()
                raise

    def ask(self, http: HttpRequest | None, call: ApiCall | None, variables: Mapping[str, Any]) -> Answer:
        """Send a request, or make a call, with its variables filled in."""
        if http is not None:
            request = msgspec.convert(filled(msgspec.to_builtins(http), variables), HttpRequest)
            if not request.path.startswith("/") or request.path.startswith("//"):
                raise BadExperiment(f"{request.path[:100]!r} is no path of the platform")
            return self._application.request(request)
        assert call is not None, "the model has one of the two"
        parameters = filled(call.parameters, variables)
        return self._application.call(msgspec.structs.replace(call, parameters=parameters))

    def _request(self, load: Load, variables: Mapping[str, Any], number: int) -> Outcome:
        given = {**variables, "n": number}
        given["id"] = str(filled(load.id, given))
        traces: list[str] = []
        spent = 0.0
        for attempt in range(load.retries + 1):
            if self._over.is_set():
                raise CancelledError
            traces.append(trace_id(time.time()))
            with self._application.tracing(traces[-1]):
                if load.replay is not None:
                    answer = self._application.request(load.replay[number - 1])
                else:
                    answer = self.ask(load.http, load.call, given)
            spent += answer.seconds
            wrong = met(load.expect, answer.status, answer.body, answer.error)
            if not wrong or attempt == load.retries:
                break
            self._over.wait(min(_RETRY_PAUSE * 2**attempt, _LONGEST_PAUSE))
        slow = spent > seconds(load.slow)
        return Outcome(id=given["id"], accepted=not wrong, slow=slow, retries=attempt, traces=traces, seen=wrong)
