"""The rule of a composite alarm: `ALARM("a") AND NOT (OK("b") OR FALSE)`. Pure; hand-written, it is four words long.

Source: "Create a composite alarm" of the user guide and PutCompositeAlarm.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

_TOKEN = re.compile(r"\s*(?:(?P<word>[A-Za-z_]+)|(?P<sign>[()]))")
_NAMED = re.compile(r"\s*\(\s*(?:\"([^\"]+)\"|'([^']+)'|([^\s()\"']+))\s*\)")
_STATES = frozenset(("ALARM", "OK", "INSUFFICIENT_DATA"))
_DEEPEST = 50
LONGEST = 10_240


class RuleError(ValueError):
    """What is wrong with a rule."""


@dataclass(frozen=True, slots=True)
class AlarmRule:
    """A rule: the alarms it names (names or ARNs), and whether it holds for their states."""

    names: tuple[str, ...]
    holds: Callable[[Callable[[str], str]], bool]

    @property
    def alarms(self) -> frozenset[str]:
        """The names of the alarms, also of those that it calls by their ARNs."""
        return frozenset(name.rpartition(":alarm:")[2] for name in self.names)


def parse(text: str) -> AlarmRule:
    """Read a rule; raises RuleError."""
    if len(text) > LONGEST:
        raise RuleError(f"the rule is longer than {LONGEST} characters")
    reader = _Reader(text)
    holds = reader.any_of(0)
    if text[reader.at :].strip():
        raise reader.wrong()
    return AlarmRule(tuple(dict.fromkeys(reader.names)), holds)


Test = Callable[[Callable[[str], str]], bool]


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.names: list[str] = []

    def any_of(self, depth: int) -> Test:
        tests = [self._all_of(depth)]
        while self._takes("OR"):
            tests.append(self._all_of(depth))
        return tests[0] if len(tests) == 1 else lambda state: any(test(state) for test in tests)

    def _all_of(self, depth: int) -> Test:
        tests = [self._one(depth)]
        while self._takes("AND"):
            tests.append(self._one(depth))
        return tests[0] if len(tests) == 1 else lambda state: all(test(state) for test in tests)

    def _one(self, depth: int) -> Test:
        if depth > _DEEPEST:
            raise RuleError("the rule is nested too deeply")
        if self._takes("NOT"):
            inner = self._one(depth + 1)
            return lambda state: not inner(state)
        if self._takes("("):
            inner = self.any_of(depth + 1)
            if not self._takes(")"):
                raise self.wrong()
            return inner
        found = _TOKEN.match(self.text, self.at)
        word = found["word"] if found is not None else None
        if found is None or word is None:
            raise self.wrong()
        upper = word.upper()
        if upper in ("TRUE", "FALSE"):
            self.at = found.end()
            return lambda _state: upper == "TRUE"
        if upper not in _STATES:
            raise self.wrong()
        named = _NAMED.match(self.text, found.end())
        if named is None:
            raise self.wrong()
        self.at = named.end()
        name = named[1] or named[2] or named[3]
        self.names.append(name)
        return lambda state: state(name) == upper

    def _takes(self, wanted: str) -> bool:
        found = _TOKEN.match(self.text, self.at)
        if found is None or (found["word"] or found["sign"]).upper() != wanted:
            return False
        self.at = found.end()
        return True

    def wrong(self) -> RuleError:
        """The rule is wrong here."""
        near = self.text[self.at :].strip()[:20] or "the end"
        return RuleError(f"unexpected {near} at character {self.at}")
