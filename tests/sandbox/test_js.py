"""JavaScript contexts: what programs may do, what they may not, and where they are cut off."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import Any

import pytest

from kumoi.sandbox.js import JsContext, JsContexts, JsError, rewritten, words
from kumoi.sandbox.js.contexts import PROVEN


def run(source: str, *arguments: Any, **more: Any) -> Any:
    return JsContext(source, seconds=1.0).call("handler", arguments, now=1_700_000_000.5, **more)


def value(source: str, *arguments: Any) -> str | None:
    outcome = run(source, *arguments)
    assert outcome.error is None, outcome.error
    return outcome.value  # type: ignore[no-any-return]


VALUES = [
    ("function handler(a) { return {sum: a.x + 1} }", '{"sum":2}'),
    ("const handler = async (a) => { await null; return [a.x] }", "[1]"),
    ("function handler() {}", None),
    ("function handler() { return Date.now() + ' ' + new Date().getTime() }", '"1700000000500 1700000000500"'),
    ("function handler() { return new Date(0).toISOString() }", '"1970-01-01T00:00:00.000Z"'),
    ("function handler() { return Buffer.from('aGk', 'base64').toString('hex') }", '"6869"'),
    ("function handler() { return btoa('hi') + atob('aGk=') }", '"aGk=hi"'),
    ("function handler() { return new TextDecoder().decode(new TextEncoder().encode('雲居')) }", '"雲居"'),
    ("function handler() { return Buffer.concat([Buffer.from('a'), Buffer.from('ü')]).length }", "3"),
    (
        "function handler() { return [typeof eval, typeof setTimeout, typeof fetch].join() }",
        '"undefined,undefined,undefined"',
    ),
    ("function handler() { return ['x\\ud800y', '\\ud83d\\ude00', '\\\\ud800'] }", '["x\ufffdy", "😀", "\\\\ud800"]'),
]


@pytest.mark.parametrize(("source", "expected"), VALUES)
def test_what_a_program_answers(source: str, expected: str | None) -> None:
    assert value(source, {"x": 1}) == expected


THROWN = [
    ("function handler() { throw new TypeError('no') }", "TypeError", "no"),
    ("function handler() { return new Function('return 1')() }", "EvalError", "Code generation"),
    ("function handler() { return (async () => {}).constructor('return 1')() }", "EvalError", "Code generation"),
    ("async function handler() { await new Promise(() => {}) }", "Error", "never settles"),
    ("var handler = 1", "TypeError", "no such function"),
    ("function f() { return f() } function handler() { return f() }", "RangeError", "stack"),
    ("function handler() { throw 'text' }", "Error", "text"),
]


@pytest.mark.parametrize(("source", "name", "message"), THROWN)
def test_what_a_program_throws(source: str, name: str, message: str) -> None:
    error = run(source).error
    assert (error.name, error.limit) == (name, "")
    assert message in error.message


@pytest.mark.parametrize(
    "source",
    [
        "function handler() { while (true) {} }",
        "async function handler() { while (true) await null }",
        "async function handler() { while (true) await ask() }",
    ],
)
def test_a_program_that_takes_too_long(source: str) -> None:
    context = JsContext(source, ["(kumoi) => { globalThis.ask = () => kumoi.ask('look', 1) }"], seconds=0.05)
    outcome = context.call("handler", [], now=0.0, answers={"look": lambda key: key})
    assert outcome.error is not None
    assert outcome.error.limit == "time"
    assert context.broken


@pytest.mark.parametrize(
    "source",
    ["const a = []; while (true) a.push('x'.repeat(1000) + a.length)", "const a = []; while (true) a.push({ a })"],
)
def test_a_program_that_takes_too_much_memory(source: str) -> None:
    outcome = run(f"function handler() {{ {source} }}")
    assert outcome.error.limit == "memory"


GROWING = """
from kumoi.sandbox.js import JsContext
for kib in range(256, 2304, 16):
    context = JsContext("function handler() { const a = {}; for (let i = 0; ; i++) a['k' + i] = 1 }", memory=kib << 10)
    assert context.call("handler", [], now=0.0).error.limit == "memory"
"""


def test_memory_that_runs_out_while_an_object_grows_ends_the_call_alone() -> None:
    # In a process of its own: where quickjs looks for garbage meanwhile, it is that process which ends.
    subprocess.run([sys.executable, "-c", GROWING], check=True, timeout=300)


@pytest.mark.parametrize("source", ["throw null", "return Promise.reject(null)"])
def test_a_program_that_throws_null(source: str) -> None:
    error = run(f"function handler() {{ {source} }}").error
    assert (error.name, error.message, error.limit) == ("Error", "null", "")


def test_a_program_that_does_not_compile() -> None:
    with pytest.raises(JsError, match="SyntaxError"):
        JsContext("let x = ;")


def test_asking_the_platform_and_logging() -> None:
    prelude = "(kumoi) => { globalThis.ask = (key) => kumoi.ask('look', key); globalThis.kumoi = kumoi }"
    source = """async function handler(key) {
        console.log('looking for', key, {deep: [1]});
        kumoi.effect('chosen', key);
        try { await ask('missing') } catch (error) { console.log(error.message) }
        return await ask(key)
    }"""
    context = JsContext(source, [prelude])
    outcome = context.call("handler", ["a"], now=0.0, answers={"look": {"a": {"found": True}}.__getitem__})
    assert outcome.value == '{"found":true}'
    assert outcome.log == ['looking for a {"deep":[1]}', "missing"]
    assert outcome.effects == [("chosen", "a")]


COUNTING = "let n = 0; function handler(loop) { if (loop) while (true) {} return ++n }"


def counted(loops: list[bool], most: float) -> list[str | None]:
    """What a program that counts its calls answers; where it loops it answers nothing."""

    async def calls() -> list[str | None]:
        contexts = JsContexts()

        def make(seconds: float) -> JsContext:
            return JsContext(COUNTING, seconds=min(seconds, most))

        try:
            return [(await contexts.call("k", make, "handler", [loop], now=0.0)).value for loop in loops]
        finally:
            contexts.close()

    return asyncio.run(calls())


def test_contexts_are_kept_and_made_anew_when_they_broke() -> None:
    assert counted([False, False, True, False], 0.1) == ["1", "2", None, "1"]


def test_contexts_are_made_anew_after_many_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kumoi.sandbox.js.contexts.CALLS", 3)
    assert counted([False] * 4, 0.1) == ["1", "2", "3", "1"]


def test_quick_programs_move_to_the_loop_and_back() -> None:
    found = counted([False] * (PROVEN + 2) + [True, False], 0.1)
    there = [str(number + 1) for number in range(PROVEN)]
    # Two contexts: the one on the thread counted on when the one on the loop's was cut off, and looped there as well.
    assert found == [*there, "1", "2", None, "1"]


def test_what_calls_left_behind_takes_no_memory_of_others() -> None:
    source = "function handler() { const one = { text: 'x'.repeat(300000) }; one.self = one; return 'done' }"

    async def calls() -> set[str | None]:
        contexts = JsContexts()
        try:
            return {
                (await contexts.call("k", lambda seconds: JsContext(source), "handler", [], now=0.0)).value
                for _ in range(20)
            }
        finally:
            contexts.close()

    assert asyncio.run(calls()) == {'"done"'}


REWRITTEN = [
    ("import cf from 'cloudfront';\nx", "const cf = require('cloudfront');\nx"),
    ('import * as c from "crypto"', 'const c = require("crypto");'),
    ("import {a, b as d} from 'm';", "const {a, b: d} = require('m');"),
    ("import {\n a\n} from 'm';\ny", "const {\n a\n} = require('m');\ny"),
    ("export function request(c) {}", "function request(c) {}"),
    ("export const x = 1;\nexport default async function f() {}", "const x = 1;\nasync function f() {}"),
    ("var s = \"import a from 'b'\";", "var s = \"import a from 'b'\";"),
    ("// import a from 'b'\n`\nimport a from 'b'\n`", "// import a from 'b'\n`\nimport a from 'b'\n`"),
    ("x = /\n'/", "x = /\n'/"),
    ("r = /['\"`]/;\nimport a from 'b'", "r = /['\"`]/;\nconst a = require('b');"),
    ("t = `${f(`}`)}`;\nimport a from 'b'", "t = `${f(`}`)}`;\nconst a = require('b');"),
    ("o.import = 1; o.export(2)", "o.import = 1; o.export(2)"),
]


@pytest.mark.parametrize(("source", "expected"), REWRITTEN)
def test_imports_and_exports(source: str, expected: str) -> None:
    assert rewritten(source) == expected


def test_words_are_those_of_the_code() -> None:
    assert list(words("// let\nvar a = 'const';\nb.let(`async`) /await/ const")) == [
        ("var", 2),
        ("a", 2),
        ("b", 3),
        ("await", 3),
        ("const", 3),
    ]
