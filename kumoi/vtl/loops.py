"""Loops: what is iterated over, what `$foreach` is meanwhile, and ranges of numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from kumoi.vtl.errors import LimitExceeded
from kumoi.vtl.run import Break, Run
from kumoi.vtl.values import Object

Statement = Callable[[Run], None]
Expression = Callable[[Run], Any]


def foreach(name: str, items: Expression, block: Statement) -> Statement:
    """`#foreach`."""

    def loop(run: Run) -> None:
        run.spend()
        found = items(run)
        sequence = _iterated(found)
        if len(sequence) > run.limits.iterations:
            raise LimitExceeded(
                f"#foreach iterates over {len(sequence)} items, and at most {run.limits.iterations} may be"
            )
        before = {one: run.get(one) for one in (name, "foreach", "velocityCount")}
        count = len(sequence)
        stopped = [False]
        try:
            for number, item in enumerate(sequence):
                run.spend()
                run.set(name, item)
                run.set("velocityCount", number + 1)
                run.set("foreach", _loop(number, count, before["foreach"], stopped))
                block(run)
                if stopped[0]:
                    break
        except Break:
            pass
        finally:
            for one, value in before.items():
                run.set(one, value)

    return loop


def _iterated(found: Any) -> Sequence[Any]:
    if isinstance(found, dict):
        return list(found.values())
    if isinstance(found, list):
        return list(found)
    return found if isinstance(found, tuple | range) else ()


def _loop(number: int, count: int, parent: Any, stopped: list[bool]) -> Object:
    said = {
        "index": number,
        "count": number + 1,
        "hasNext": number + 1 < count,
        "first": number == 0,
        "last": number + 1 == count,
        "parent": parent,
    }

    def stop() -> str:
        stopped[0] = True
        return ""

    return Object(said, {"hasNext": lambda: number + 1 < count, "stop": stop})


def between(first: Expression, last: Expression) -> Expression:
    """`[first..last]`."""

    def made(run: Run) -> Any:
        start, end = first(run), last(run)
        if any(not isinstance(one, int) or isinstance(one, bool) for one in (start, end)):
            return None
        if abs(end - start) >= run.limits.steps:
            raise LimitExceeded(f"a range has more than {run.limits.steps} numbers")
        run.spend(abs(end - start) // 16)
        return list(range(start, end + 1) if start <= end else range(start, end - 1, -1))

    return made
