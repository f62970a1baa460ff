"""One JavaScript context: a program and its preludes, called with JSON, under limits.

It must stay on the thread that made it. A context whose call ran out of time or memory is broken: make another.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson

MEMORY = 2 * 1024 * 1024
"""Bytes that a program may use beside its preludes."""
SECONDS = 0.25
"""CPU time after which a call is cut off; of the whole process, which is all that quickjs measures."""
_STACK = 256 * 1024
_INTERRUPTED = ("InternalError", "the function ran out of CPU time")
_HERE = Path(__file__).parent
_OUT_OF_MEMORY = ("out of memory", "null", "[uninitialized]")
"""What a program catches when memory is out: an error, or nothing readable where there was none left for it."""
_THROWS_NULL = re.compile(r"\b(?:throw|reject)\s*\(?\s*null\b")
"""A program that throws null itself: else it is what quickjs throws when no memory is left for an error."""

Answer = Callable[[Any], Any]
"""Answers what a program asks for: a JSON value in, a JSON value out; raises LookupError or ValueError to refuse."""


class JsError(Exception):
    """What a program threw, or the limit it broke: then `limit` is `time` or `memory`."""

    def __init__(self, name: str, message: str, stack: str = "", limit: str = "") -> None:
        super().__init__(f"{name}: {message}")
        self.name = name
        self.message = message
        self.stack = stack
        self.limit = limit


@dataclass(slots=True)
class JsOutcome:
    """What came of a call: a JSON text (None for undefined) or an error; CPU seconds; lines logged; effects."""

    value: str | None = None
    error: JsError | None = None
    seconds: float = 0.0
    log: list[str] = field(default_factory=list)
    effects: list[tuple[str, Any]] = field(default_factory=list)


class JsContext:
    """A program ready to be called.

    `preludes` are function expressions of ours that get the driver and what the prelude before answered; they are
    free of limits. Raises JsError where the program itself does not compile or start.
    """

    def __init__(
        self, source: str, preludes: Sequence[str] = (), *, memory: int = MEMORY, seconds: float = SECONDS
    ) -> None:
        import quickjs

        self._failed: type[Exception] = quickjs.JSException
        self._context = quickjs.Context()
        self._context.set_max_stack_size(_STACK)
        self._driver = self._context.eval(read("driver"))
        found = self._context.eval(read("encodings"))
        for prelude in preludes:
            found = self._context.eval(prelude)(self._driver, found)
        self._run, self._take, self._answer = (
            self._context.eval(f"(driver) => driver.{name}")(self._driver) for name in ("run", "take", "answer")
        )
        self._programs: dict[str, Any] = {}
        self._context.set_memory_limit(self._without_collections(memory))
        self._context.set_time_limit(seconds)
        self._seconds = seconds
        self._throws_null = _THROWS_NULL.search(source) is not None
        self.calls = 0
        self.broken = False
        try:
            self._context.eval(source)
        except self._failed as error:
            raise self._error(error) from None

    def call(
        self, name: str, arguments: Sequence[Any], *, now: float, answers: Mapping[str, Answer] | None = None
    ) -> JsOutcome:
        """Call a function of the program; `now` is what its Date shows, in epoch seconds."""
        self.calls += 1
        outcome = JsOutcome()
        try:
            program = self._program(name)
            began = time.thread_time()
            ends = began + self._seconds
            state = _state(self._run(program, orjson.dumps(arguments).decode(), float(int(now * 1000))))
            while True:
                # quickjs times each job alone, and a program may go on from one to the next for ever.
                over = state["done"]
                while self._context.execute_pending_job():
                    over = False
                    if time.thread_time() > ends:
                        self.broken = True
                        outcome.error = JsError(*_INTERRUPTED, limit="time")
                        return outcome
                if not over:
                    asked = state["asked"]
                    state = _state(self._take())
                    state["asked"] = asked + state["asked"]
                outcome.seconds += time.thread_time() - began
                if state["done"]:
                    break
                if not state["asked"]:
                    state["error"] = {"name": "Error", "message": "the function's promise never settles", "stack": ""}
                    break
                replies = [(id, *_reply((answers or {}).get(kind), value)) for id, kind, value in state["asked"]]
                began = time.thread_time()
                for reply in replies:
                    self._answer(*reply)
                state = {"done": False, "asked": []}
        except self._failed as error:
            self.broken = True
            outcome.error = self._error(error)
            return outcome
        outcome.log, outcome.value = state["log"], None if state["value"] is None else _well_formed(state["value"])
        outcome.effects = [(kind, value) for kind, value in state["effects"]]
        if state["error"] is not None:
            told = state["error"]
            self.broken = told["message"] in _OUT_OF_MEMORY
            short = self.broken and not (told["message"] == "null" and self._throws_null)
            outcome.error = JsError("InternalError", "out of memory", limit="memory") if short else JsError(**told)
        return outcome

    def _without_collections(self, memory: int) -> int:
        """Have quickjs never look for garbage in cycles below the limit, which is answered: what is used, and `memory`.

        It would look when it makes the error of a program out of memory, too, and stumble over the object that was
        just growing, which ends the whole process. It looks next at one and a half times what is left after a look:
        here it has a look while a buffer of more than the limit is there.
        """
        limit: int = self._context.memory()["malloc_size"] + memory
        ballast = self._context.eval(f"new ArrayBuffer({2 * limit})")
        self._context.eval("({})")
        del ballast
        return limit

    def _program(self, name: str) -> Any:
        """A function of the program, found by an expression at the first call."""
        found = self._programs.get(name)
        if found is None:
            found = self._context.eval(f"typeof {name} === 'undefined' ? undefined : {name}")
            if found is not None:
                self._programs[name] = found
        return found

    def _error(self, error: Exception) -> JsError:
        """What quickjs threw: a text of `Name: message`, then the stack; nothing readable when memory was out."""
        first, _, rest = str(error).partition("\n")
        name, colon, message = first.partition(": ")
        if not colon or (name == "InternalError" and message == "out of memory"):
            if first in ("null", "undefined") or message == "out of memory":
                return JsError("InternalError", "out of memory", limit="memory")
            return JsError("Error", first, rest)
        if name == "InternalError" and message == "interrupted":
            return JsError(*_INTERRUPTED, limit="time")
        return JsError(name, message, rest.rstrip())


def _state(text: str) -> dict[str, Any]:
    """The driver's state; a program may have put half of a character into what it logged."""
    state: dict[str, Any] = orjson.loads(_well_formed(text))
    return state


def _well_formed(text: str) -> str:
    """A JSON text as others read it: JavaScript's lone halves of characters become U+FFFD."""
    if "\\ud" not in text:
        return text
    whole = json.dumps(json.loads(text), ensure_ascii=False)
    return whole.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _reply(answer: Answer | None, value: Any) -> tuple[bool, str]:
    """(whether a promise is kept, its value as JSON or the reason)."""
    if answer is None:
        return False, "the platform does not answer this"
    try:
        found = answer(value)
    except (LookupError, ValueError) as error:
        return False, str(error.args[0] if error.args else error)
    return True, orjson.dumps(found).decode()


@lru_cache(maxsize=8)
def read(name: str) -> str:
    """A prelude that lies beside this file."""
    return (_HERE / f"{name}.js").read_text("utf-8")
