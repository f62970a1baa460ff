"""Running CloudFront functions: one context a function and stage, the key value store at hand, CPU time measured."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from kumoi.doorway import Call, Parts
from kumoi.sandbox.js import Answer, JsContext, JsContexts, JsError, JsOutcome, Make, rewritten, words
from kumoi.services.cloudfront.configuration.reading import items
from kumoi.services.cloudfront.functions.key_values import KeyValues, Snapshot
from kumoi.services.cloudfront.naming import REGION
from kumoi.services.cloudfront.records import EdgeFunction, Stage

BUDGET = 0.001
"""Seconds of CPU time that count as a compute utilisation of 100."""
MAX_LOG = 10 * 1024
_NEWER = frozenset(("const", "let", "class", "async", "await", "import", "export"))
"""What cloudfront-js-1.0 does not know."""


async def run(call: Call, function: EdgeFunction, stage: Stage, account: str, event: dict[str, Any]) -> JsOutcome:
    """Call the function's handler with an event."""
    store = _store(stage)
    state = call.doorway.state.at(account, REGION)
    snapshot = await call.part(KeyValues).of_arn(state, store) if store else None
    return await call.part(JsContexts).call(
        *_program(function, stage, account), [event], now=call.now, answers=_answers(snapshot)
    )


def run_here(
    parts: Parts, function: EdgeFunction, stage: Stage, account: str, event: dict[str, Any], now: float
) -> JsOutcome | None:
    """The same without waiting for anything; None where that cannot be (yet)."""
    store = _store(stage)
    snapshot = parts[KeyValues].known(store) if store else None
    if store and snapshot is None:
        return None
    program = _program(function, stage, account)
    return parts[JsContexts].call_here(*program, [event], now=now, answers=_answers(snapshot))


def _store(stage: Stage) -> str:
    """The ARN of the key value store that a function reads, if it has one."""
    associated = stage.config.get("KeyValueStoreAssociations")
    return next((str(one["KeyValueStoreARN"]) for one in items(associated)), "") if associated else ""


def _program(function: EdgeFunction, stage: Stage, account: str) -> tuple[Hashable, Make, str]:
    """What a function's context is kept by, how it is made, and the name of what is called."""

    def make(seconds: float) -> JsContext:
        return build(stage.code, str(stage.config["Runtime"]).removeprefix("cloudfront-js-"), seconds)

    return ("cloudfront", account, function.name, stage.etag), make, "handler"


def _answers(snapshot: Snapshot | None) -> dict[str, Answer]:
    return {"kvs": lambda asked: _answer(snapshot, asked)}


def build(code: bytes, runtime: str, seconds: float) -> JsContext:
    """A context with a function's code, for calls of so many seconds; raises JsError where it does not compile."""
    source = code.decode("utf-8", "replace")
    if runtime == "1.0":
        for word, line in words(source):
            if word in _NEWER:
                raise JsError("SyntaxError", f'Token "{word}" not supported in this version in {line}')
    else:
        source = rewritten(source)
    return JsContext(source, [f"({_modules()})('{runtime}')"], seconds=seconds)


def utilisation(outcome: JsOutcome) -> int:
    """How much of its allowed time a function took, from 0 to 100."""
    if outcome.error is not None and outcome.error.limit:
        return 100
    return min(100, round(outcome.seconds / BUDGET * 100))


def logged(outcome: JsOutcome) -> list[str]:
    """What the function logged, as much as is kept."""
    kept, size = [], 0
    for line in outcome.log:
        size += len(line.encode("utf-8", "replace"))
        if size > MAX_LOG:
            break
        kept.append(line)
    return kept


def _answer(snapshot: Snapshot | None, asked: Any) -> Any:
    """What the helpers of a key value store answer; LookupError refuses."""
    wanted, operation, key = asked
    if snapshot is None:
        raise LookupError("KeyValueStoreNotFound: the function is associated with no key value store")
    if wanted is not None and wanted not in (snapshot.id, snapshot.name, snapshot.arn):
        raise LookupError(f"KeyValueStoreNotFound: the function is not associated with the key value store {wanted}")
    match operation:
        case "get":
            if key not in snapshot.pairs:
                raise LookupError(f"KeyNotFound: the key {key} does not exist")
            return snapshot.pairs[key]
        case "exists":
            return key in snapshot.pairs
        case "count":
            return len(snapshot.pairs)
        case _:
            return _meta(snapshot)


def _meta(snapshot: Snapshot) -> Mapping[str, Any]:
    return {
        "creationDateTime": snapshot.created,
        "lastUpdatedDateTime": snapshot.modified,
        "keyCount": len(snapshot.pairs),
    }


@lru_cache(maxsize=1)
def _modules() -> str:
    return (Path(__file__).parent / "modules.js").read_text("utf-8").rstrip()
