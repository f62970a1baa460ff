"""One rendering: what it knows, what it has written, and what it may still spend."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from kumoi.vtl.errors import LimitExceeded
from kumoi.vtl.values import weight

_LIGHT = (int, float, type(None))


@dataclass(frozen=True, slots=True)
class Limits:
    """What a template may do: steps in all, iterations of one `#foreach`, characters of output and of one text."""

    steps: int = 200_000
    iterations: int = 1_000
    output: int = 10_485_760
    depth: int = 40


class Rendered(NamedTuple):
    """What a template wrote, and the value of its `#return`, if it came to one."""

    text: str
    returned: bool = False
    value: Any = None


class Break(Exception):
    """`#break`: leaves the innermost loop."""


class Stop(Exception):
    """`#stop` and `#return`: leaves the template."""

    def __init__(self, value: Any = None, *, returned: bool = False) -> None:
        super().__init__()
        self.value = value
        self.returned = returned


@dataclass(slots=True)
class Run:
    """The variables of a rendering (`frames` are those of macros), its output, and its expenses.

    With `quiet_members`, a member of a known thing that has no value is written as nothing, as `$!` does.
    """

    variables: dict[str, Any]
    limits: Limits
    macros: dict[str, Any] = field(default_factory=dict)
    quiet_members: bool = False
    frames: list[dict[str, Any]] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)
    written: int = 0
    steps: int = 0
    depth: int = 0

    def spend(self, steps: int = 1) -> None:
        """Count steps; raises LimitExceeded."""
        self.steps += steps
        if self.steps > self.limits.steps:
            raise LimitExceeded(f"the template takes more than {self.limits.steps} steps")

    def look_into(self, *values: Any, a_step: int = 8) -> None:
        """Count steps for values that are compared, written or handed on as a whole: one for every `a_step` in them."""
        for value in values:
            if not isinstance(value, _LIGHT):
                self.spend(weight(value, (self.limits.steps - self.steps + 1) * a_step) // a_step)

    def write(self, text: str) -> None:
        """Write text; raises LimitExceeded."""
        self.written += len(text)
        if self.written > self.limits.output:
            raise LimitExceeded(f"the template writes more than {self.limits.output} characters")
        self.pieces.append(text)

    def get(self, name: str) -> Any:
        """A variable, None where there is none."""
        if self.frames and name in self.frames[-1]:
            return self.frames[-1][name]
        return self.variables.get(name)

    def set(self, name: str, value: Any) -> None:
        """Set a variable: a macro's own parameter, or one for everybody."""
        if self.frames and name in self.frames[-1]:
            self.frames[-1][name] = value
        else:
            self.variables[name] = value

    def deeper(self) -> None:
        """One more macro or template within another; raises LimitExceeded."""
        self.depth += 1
        if self.depth > self.limits.depth:
            raise LimitExceeded(f"macros call one another more than {self.limits.depth} levels deep")
