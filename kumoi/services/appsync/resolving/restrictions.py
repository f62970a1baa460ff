"""What APPSYNC_JS leaves out of JavaScript, found in a program's text before it is stored.

Source: "JavaScript runtime features for resolvers and functions" and the rules of AWS's ESLint plugin for it: no
exceptions, no loops but for-in and for-of, nothing asynchronous, no classes or generators, no `this`, no regular
expressions, no labels, no `continue`, no imports on the way, no `++`, `--`, `~`, and `in` in loops alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from kumoi.sandbox.js.modules import tokens

_WORDS = {
    **dict.fromkeys(("try", "catch", "finally"), "try statements are not supported"),
    "throw": "throw statements are not supported: use util.error",
    **dict.fromkeys(("while", "do"), "while loops are not supported"),
    "continue": "continue statements are not supported",
    **dict.fromkeys(("async", "await"), "asynchronous functions are not supported"),
    "Promise": "promises are not supported",
    "yield": "generators are not supported",
    "class": "classes are not supported",
    "this": "this is not supported",
}
_UNARY = {"++": "the operator ++ is not supported", "--": "the operator -- is not supported"}

_ENDED = ("", ";", "}", ")")
"""What a statement that has a label follows. Behind `{`, it might be a member of an object."""


class Finding(NamedTuple):
    """Something that is left out, and where it stands, counted from one."""

    text: str
    line: int
    column: int
    span: int


class _Token(NamedTuple):
    kind: str
    text: str
    at: int


def unsupported(source: str) -> list[Finding]:
    """What of a program APPSYNC_JS does not run."""
    code = [_Token(*one) for one in tokens(source) if one[0] not in ("space", "comment")]
    return [
        Finding(told, source.count("\n", 0, one.at) + 1, one.at - source.rfind("\n", 0, one.at), span)
        for one, told, span in _found(code)
    ]


def _found(code: Sequence[_Token]) -> Iterator[tuple[_Token, str, int]]:
    loops = _headers(code)
    for number, one in enumerate(code):
        before = code[number - 1] if number else _Token("", "", 0)
        after = code[number + 1] if number + 1 < len(code) else _Token("", "", 0)
        if one.kind == "word" and before.text != "." and not _is_name(one, before, after):
            if one.text in _WORDS:
                yield one, _WORDS[one.text], len(one.text)
            elif one.text == "import" and after.text == "(":
                yield one, "dynamic imports are not supported", len(one.text)
            elif after.text == ":" and one.text != "default" and before.text in _ENDED:
                yield one, "labels are not supported", len(one.text)
            elif one.text == "function" and after.text == "*":
                yield one, "generators are not supported", len(one.text)
            elif one.text == "for" and loops.get(number) == ";":
                yield one, "for loops are not supported: use for-of or for-in", len(one.text)
            elif one.text == "in" and number not in loops.values():
                yield one, "the operator in is not supported", len(one.text)
        elif one.kind == "string" and one.text.startswith("/"):
            yield one, "regular expressions are not supported: use util.matches", len(one.text)
        elif one.text == "~":
            yield one, "the operator ~ is not supported", 1
        elif (told := _UNARY.get(one.text + after.text)) is not None and after.at == one.at + 1:
            yield one, told, 2


def _is_name(one: _Token, before: _Token, after: _Token) -> bool:
    """Whether a word is the name of a member, as in `{ in: 1 }`."""
    return after.text == ":" and before.text in ("{", ",") and one.text != "default"


def _headers(code: Sequence[_Token]) -> dict[int, int | str]:
    """For each `for`: `;` where it counts, else the place of its `in` or `of`."""
    found: dict[int, int | str] = {}
    for number, one in enumerate(code):
        if one.kind != "word" or one.text != "for" or code[number + 1 : number + 2] == []:
            continue
        depth = 0
        for place in range(number + 1, len(code)):
            text = code[place].text
            if text in ("(", "[", "{"):
                depth += 1
            elif text in (")", "]", "}"):
                depth -= 1
                if depth == 0:
                    break
            elif depth == 1 and text == ";":
                found[number] = ";"
                break
            elif depth == 1 and text in ("in", "of") and code[place].kind == "word":
                found[number] = place
                break
    return found
