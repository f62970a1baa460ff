"""What the fields of one request did: what their programs saw and made, what went wrong, how long it took.

It is kept where an API logs its fields, as JSON texts in the members of AWS. Source: "Log type reference" of
"Monitoring and logging", AppSync developer guide.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from kumoi.services.appsync.resolving.field import Field
from kumoi.services.appsync.resolving.outcomes import FieldError, Returned

if TYPE_CHECKING:
    from kumoi.services.appsync.resolving.resolver import Program

MOST_BYTES = 1024 * 1024
"""Of one request: what is beyond is not told."""
MOST_ENTRY = 256 * 1024
"""Of one entry, as CloudWatch has it."""
_TEMPLATES = {"request": "RequestMapping", "response": "ResponseMapping"}
_CODE = {"request": "RequestFunctionEvaluation", "response": "ResponseFunctionEvaluation"}
_AROUND_TEMPLATES = {"request": "BeforeMapping", "response": "AfterMapping"}
_AROUND_CODE = {"request": "BeforeRequestFunctionEvaluation", "response": "AfterResponseFunctionEvaluation"}


_SECRET = frozenset(("authorization", "cookie", "x-amz-security-token", "x-api-key"))


class Entry(NamedTuple):
    """A line: the path of its field, and its text."""

    path: tuple[str | int, ...]
    text: str


class Journal:
    """The fields of one request. `whole`: what went well is told, too; `verbose`: so is what programs saw and made."""

    def __init__(self, common: Mapping[str, Any], arn: str, *, whole: bool, verbose: bool) -> None:
        self._common = common
        self._arn = arn
        self._whole = whole
        self._verbose = verbose
        self._entries: list[Entry] = []
        self._bytes = 0
        self._failed: set[tuple[str | int, ...]] = set()
        self._began = time.perf_counter_ns()

    def texts(self) -> Sequence[str]:
        """The lines: of the fields in error alone, where that is what is wanted."""
        return [one.text for one in self._entries if self._whole or one.path in self._failed]

    async def traced(self, field: Field, running: Awaitable[Any]) -> Any:
        """The value of a field; told with its time."""
        began, path = time.perf_counter_ns(), _path(field)
        try:
            return await running
        except FieldError:
            self._failed.add(path)
            raise
        finally:
            if self._whole:
                times = {"startOffset": began - self._began, "duration": time.perf_counter_ns() - began}
                self._add(path, {"logType": "Tracing", **self._about(field, path), **times})

    async def evaluated(self, field: Field, program: Program, running: Awaitable[Any]) -> Any:
        """What a program makes; told with what it saw."""
        coded, around = program.is_code, program.around
        names = (_AROUND_CODE if around else _CODE) if coded else (_AROUND_TEMPLATES if around else _TEMPLATES)
        path = _path(field)
        told: dict[str, Any] = {"logType": names[program.which], **self._about(field, path)}
        if program.function is not None:
            told["functionName"] = program.function
        if self._verbose:
            told["context"] = orjson.Fragment(_text(_shown(field)))  # as it is now: programs change it
        value, errors = None, []
        try:
            value = await running
        except Returned as early:
            value = early.value
            raise
        except FieldError as error:
            self._failed.add(path)
            errors.append(error.message)
            raise
        finally:
            if self._verbose:
                told["evaluationResult" if coded else "transformedTemplate"] = value if coded else _text(value)
            self._add(path, {**told, "fieldInError": bool(errors), "errors": errors})
        return value

    def _about(self, field: Field, path: tuple[str | int, ...]) -> dict[str, Any]:
        return {
            **self._common,
            "path": path,
            "fieldName": field.name,
            "parentType": field.type_name,
            "resolverArn": f"{self._arn}/types/{field.type_name}/resolvers/{field.name}",
        }

    def _add(self, path: tuple[str | int, ...], told: Mapping[str, Any]) -> None:
        if self._bytes >= MOST_BYTES:
            return
        text = _text(told)
        if len(text) > MOST_ENTRY:
            text = _text({**told, "context": None, "transformedTemplate": None, "evaluationResult": None})[:MOST_ENTRY]
        self._bytes += len(text)
        self._entries.append(Entry(path, text))


def masked(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Headers as logs tell them: without what lets people in."""
    return [(name, "****" if name.lower() in _SECRET else value) for name, value in headers]


def _shown(field: Field) -> dict[str, Any]:
    """What programs see, but for secrets: headers that let people in, and the API's environment."""
    context = field.context()
    del context["env"]
    return {**context, "request": {**context["request"], "headers": dict(masked(field.asked.headers.items()))}}


def _path(field: Field) -> tuple[str | int, ...]:
    """The names and places from the root on; `Field.path` is a chain of (the path above, key, nullable)."""
    found, path = [], field.path
    while path is not None:
        path, key, _nullable = path
        found.append(key)
    return tuple(reversed(found))


def _text(value: Any) -> str:
    try:
        return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except orjson.JSONEncodeError:
        return '"(it nests too deep)"'
