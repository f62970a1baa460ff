"""JSONata expressions, `{% $states.input.total > 10 %}`, evaluated under bounds of steps and time.

The evaluator is the library jsonata-python; here stand the functions that Step Functions adds and takes away, the
difference between null and nothing, and the bounds. Evaluations may take long: machines that use JSONata are stepped
on threads.

Source: "Transforming data with JSONata in Step Functions".
"""

from __future__ import annotations

import hashlib
import random
import re
import threading
from collections.abc import Mapping
from functools import lru_cache
from time import monotonic
from typing import Any

from kumoi import java_patterns
from kumoi.names import uuid
from kumoi.services.stepfunctions.language.errors import EvaluationFailure, Invalid
from kumoi.services.stepfunctions.language.json_text import dumps, loads
from kumoi.services.stepfunctions.language.recursion import Deeper, apart, is_of_recursion, load_jsonata

MAX_SECONDS = 30.0
MAX_MATCHING = 1.0
MAX_DEPTH = 400
SHALLOW = 40
"""Levels that Python's usual limit has room for: each takes 16 calls at most."""
_ALGORITHMS = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}
NOTHING = object()
"""What an expression yields that yields nothing (undefined)."""
_SAFE = 2**53
_NAMED = re.compile(r"\\(?:g<(\d{1,9})>|.)", re.DOTALL)
_SURROGATES = re.compile(r"\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")


def is_expression(text: Any) -> bool:
    """Whether a value is an expression: a string within `{%` and `%}`."""
    return isinstance(text, str) and text.startswith("{%") and text.endswith("%}") and len(text) >= 4


def check(text: str) -> None:
    """Raise Invalid for an expression that cannot be parsed."""
    _compiled(text, threading.get_ident())


def evaluate(text: str, bindings: Mapping[str, Any], field: str, now: float, document: Any = None) -> Any:
    """The value of an expression, NOTHING where it is undefined; `now` is the time by `$now` and `$millis`.

    Expressions of Step Functions have no `document` of their own, those of the reference's suite have.
    Raises EvaluationFailure with the field's name.
    """
    try:
        return evaluate_here(text, bindings, field, now, document, SHALLOW)
    except (Deeper, RecursionError):
        answer = apart({"given": [text, dict(bindings), field, now, document]})
    if answer is None:
        raise _failed(text, field, "Stack overflow error: Check for non-terminating recursive function.")
    if "failed" in answer:
        raise EvaluationFailure(answer["failed"], field)
    return answer.get("value", NOTHING)


def evaluate_here(text: str, bindings: Mapping[str, Any], field: str, now: float, document: Any, levels: int) -> Any:
    """The value of an expression; Deeper beyond so many levels, RecursionError where there is not enough depth."""
    compiled = _compiled(text, threading.get_ident())
    from jsonata.jexception import JException

    frame = compiled.create_frame(compiled.environment)
    for name, value in bindings.items():
        frame.bind(name, _inward(value))
    _bound(frame, levels)
    _set_time(frame, int(now * 1000))
    try:
        found = compiled.evaluate(document, frame)
    except JException as error:
        if is_of_recursion(error):
            raise RecursionError from None
        raise _failed(text, field, str(error)) from None
    except (ArithmeticError, AttributeError, IndexError, KeyError, TimeoutError, TypeError, ValueError) as error:
        raise _failed(text, field, f"{type(error).__name__}: {error}") from None
    return _outward(found, text, field)


def _failed(text: str, field: str, why: str) -> EvaluationFailure:
    return EvaluationFailure(
        f"The JSONata expression '{text[2:-2].strip()}' specified for the field '{field}' threw an error during "
        f"evaluation. {why}",
        field,
    )


def undefined(text: str, field: str) -> EvaluationFailure:
    """The error of an expression that yields nothing where something is needed."""
    return EvaluationFailure(
        f"The JSONata expression '{text[2:-2].strip()}' specified for the field '{field}' returned nothing "
        "(undefined).",
        field,
    )


def wrong_type(text: str, field: str, expected: str, value: Any) -> EvaluationFailure:
    """The error of an expression that yields a value of a wrong type."""
    return EvaluationFailure(
        f"The JSONata expression '{text[2:-2].strip()}' specified for the field '{field}' returned an unexpected "
        f"result type. Expected '{expected}', but was '{type_name(value)}' for value: {dumps(value)}",
        field,
    )


def type_name(value: Any) -> str:
    """JSON's name of a value's type."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def _set_time(frame: Any, millis: int) -> None:
    """Have `$now` and `$millis` tell the platform's time."""
    from jsonata.functions import Functions
    from jsonata.jsonata import Jsonata

    def moment(picture: str | None = None, zone: str | None = None) -> Any:
        return Functions.datetime_from_millis(millis, picture, zone)

    frame.bind("now", Jsonata.JFunction(Jsonata.JLambda(moment), None))
    frame.bind("millis", Jsonata.JFunction(Jsonata.JLambda(lambda: millis), None))


def _bound(frame: Any, levels: int) -> None:
    """Count steps and depth; raise where they go beyond the bounds, Deeper beyond so many levels."""
    from jsonata.jexception import JException

    steps = depth = 0
    limit = monotonic() + MAX_SECONDS

    def entered(_expression: Any, _input: Any, _environment: Any) -> None:
        nonlocal steps, depth
        steps += 1
        depth += 1
        if depth > levels:
            raise Deeper
        if depth > MAX_DEPTH:
            raise JException("D1011", -1)
        if not steps % 256 and monotonic() > limit:
            raise JException("D1012", -1, int(MAX_SECONDS * 1000))

    def left(_expression: Any, _input: Any, _environment: Any, _result: Any) -> None:
        nonlocal depth
        depth -= 1

    frame.set_evaluate_entry_callback(entered)
    frame.set_evaluate_exit_callback(left)


class _Pattern:
    """A regular expression as the library uses one, each use within a time; the standard library's cannot be stopped,
    and would keep every other thread waiting.
    """

    def __init__(self, text: str, flags: Any) -> None:
        letters = "i" * flags.case_insensitive + "m" * flags.multiline
        self._compiled = java_patterns.compiled(f"(?{letters}){text}" if letters else text)

    def search(self, string: str) -> Any:
        return _filled(self._compiled.search(string, timeout=MAX_MATCHING))

    def finditer(self, string: str) -> Any:
        return map(_filled, self._compiled.finditer(string, timeout=MAX_MATCHING))

    def sub(self, replacement: Any, string: str, count: int = 0) -> Any:
        for named in _NAMED.finditer(replacement) if isinstance(replacement, str) else ():
            if named[1] is not None and int(named[1]) > self._compiled.groups:  # the library goes on from these words
                raise ValueError(f"invalid group reference {named[1]} at position {named.start()}")
        for _ in self.finditer(string):
            pass
        return self._compiled.sub(replacement, string, count, timeout=MAX_MATCHING)

    def split(self, string: str, maxsplit: int = 0) -> Any:
        for _ in self.finditer(string):
            pass
        return self._compiled.split(string, maxsplit, timeout=MAX_MATCHING)


def _filled(match: Any) -> Any:
    """A match; ValueError for one of nothing, which JSONata refuses."""
    if match is not None and match.end() == match.start():
        raise ValueError("Regular expression matches zero length string")
    return match


@lru_cache(2048)
def _compiled(text: str, _thread: int) -> Any:
    load_jsonata()
    from jsonata.jsonata import Jsonata

    from kumoi.services.stepfunctions.language import jsonata_mended

    written = _SURROGATES.sub(_joined, text[2:-2])
    try:
        compiled = _parsed(written)
    except RecursionError:
        raise Invalid("the expression nests too deep") from None
    if compiled.errors is not None:
        raise Invalid("; ".join(str(error) for error in compiled.errors))
    compiled.set_output_convert_nulls(False)
    compiled.set_validate_input(False)
    mended = (
        ("string", jsonata_mended.string, "<x-b?:s>"),
        ("number", jsonata_mended.number, "<(nsb)-:n>"),
        ("sort", jsonata_mended.sort, "<af?:a>"),
    )
    for name, function, signature in (*_FUNCTIONS, *mended):
        compiled.environment.bind(name, Jsonata.JFunction(Jsonata.JLambda(function), signature))
    return compiled


def _parsed(written: str) -> Any:
    """An expression out of its text; Invalid for what is none, RecursionError where that takes more depth."""
    from jsonata.jexception import JException

    from kumoi.services.stepfunctions.language.jsonata_mended import Mended

    try:
        return Mended(written, _Pattern)
    except JException as error:
        if is_of_recursion(error):
            raise RecursionError from None
        raise Invalid(str(error)) from None
    except (ArithmeticError, AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise Invalid(f"{type(error).__name__}: {error}") from None


def _inward(value: Any) -> Any:
    """A value as the library takes it: a null that is bound itself must not be taken for nothing."""
    if value is None:
        from jsonata.utils import Utils

        return Utils.NULL_VALUE
    return value


def _outward(value: Any, text: str, field: str) -> Any:
    """A value as plain JSON; functions are refused."""
    from jsonata.utils import Utils

    if value is None:
        return NOTHING

    def plain(one: Any) -> Any:
        if one is None or one is Utils.NULL_VALUE:
            return None
        if isinstance(one, bool | str):
            return one
        if isinstance(one, int):
            return one if -(2**63) <= one < 2**63 else float(one)
        if isinstance(one, float):
            return int(one) if one.is_integer() and abs(one) < _SAFE else one
        if isinstance(one, dict):
            return {str(key): plain(inner) for key, inner in one.items()}
        if isinstance(one, Utils.RangeList):
            return list(range(one.a, one.b + 1))
        if isinstance(one, list):
            return [plain(inner) for inner in one]
        raise EvaluationFailure(
            f"The JSONata expression '{text[2:-2].strip()}' specified for the field '{field}' returned an unexpected "
            "result type. Expected a JSON value, but was 'function'.",
            field,
        )

    return plain(value)


def _partition(array: Any, size: Any) -> Any:
    if array is None or size is None:
        return None
    items = array if isinstance(array, list) else [array]
    width = int(size)
    if width <= 0:
        raise ValueError("the size of $partition must be above zero")
    return [list(items[start : start + width]) for start in range(0, len(items), width)]


def _range(first: Any, last: Any, step: Any) -> Any:
    if first is None or last is None or step is None:
        return None
    start, end, width = int(first), int(last), int(step)
    if not width:
        raise ValueError("the step of $range must not be zero")
    numbers = range(start, end + (1 if width > 0 else -1), width)
    if len(numbers) > 1_000_000:
        raise ValueError("$range makes at most 1,000,000 elements")
    return numbers[0] if len(numbers) == 1 else list(numbers)


def _hash(value: Any, algorithm: Any) -> Any:
    if value is None:
        return None
    if algorithm not in _ALGORITHMS:
        raise ValueError(f"$hash does not know the algorithm {algorithm}")
    text = value if isinstance(value, str) else dumps(value)
    return hashlib.new(_ALGORITHMS[algorithm], text.encode(), usedforsecurity=False).hexdigest()


def _random(seed: Any = None) -> float:
    return random.random() if seed is None else random.Random(seed).random()


def _parse(text: Any) -> Any:
    if text is None:
        return None
    return _inward(loads(text))


def _eval(*_arguments: Any) -> Any:
    raise ValueError("$eval is not supported")


def _joined(pair: re.Match[str]) -> str:
    """The character that two escaped surrogates mean."""
    return bytes.fromhex(pair[1] + pair[2]).decode("utf-16-be")


_FUNCTIONS: tuple[tuple[str, Any, str | None], ...] = (
    ("partition", _partition, None),
    ("range", _range, None),
    ("hash", _hash, None),
    ("random", _random, None),
    ("uuid", uuid, None),
    ("parse", _parse, None),
    ("eval", _eval, None),
)
