"""What APPSYNC_JS leaves out, and what looks alike and is none of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from kumoi.services.appsync.resolving.restrictions import unsupported

PROGRAMS = Path(__file__).parents[3] / "kumoi/amplify_schema/programs"


@pytest.mark.parametrize(
    ("source", "at", "words"),
    [
        ("try { f() } catch (e) {}", (1, 1), "try"),
        ("const a = 1;\n  throw new Error('x')", (2, 3), "throw"),
        ("while (true) {}", (1, 1), "while"),
        ("do { f() } while (a)", (1, 1), "while"),
        ("for (let i = 0; i < 3; i += 1) {}", (1, 1), "for-of"),
        ("for (;;) {}", (1, 1), "for-of"),
        ("for (const a of b) { continue }", (1, 22), "continue"),
        ("async function request() {}", (1, 1), "asynchronous"),
        ("const a = async () => 1", (1, 11), "asynchronous"),
        ("function* f() {}", (1, 1), "generators"),
        ("class A {}", (1, 1), "classes"),
        ("const a = this", (1, 11), "this"),
        ("i++", (1, 2), "++"),
        ("--i", (1, 1), "--"),
        ("const a = ~b", (1, 11), "~"),
        ("if ('a' in b) {}", (1, 9), "in"),
        ("for (const a of b) { if (a in c) {} }", (1, 28), "in"),
        ("const a = /x+/.test(b)", (1, 11), "util.matches"),
        ("f(); outer: for (const a of b) { break outer }", (1, 6), "labels"),
        ("outer: { f() }", (1, 1), "labels"),
        ("const a = Promise.resolve(1)", (1, 11), "promises"),
        ("const a = import('x')", (1, 11), "dynamic imports"),
    ],
)
def test_what_is_left_out(source: str, at: tuple[int, int], words: str) -> None:
    first, *_ = unsupported(source)
    assert (first.line, first.column) == at
    assert words in first.text


@pytest.mark.parametrize(
    "source",
    [
        "for (const k in o) {}",
        "for (const [k, v] of Object.entries({ a: ';' })) { f(k) }",
        "a.map((x) => x + 1)",
        "`${x} throw this`",
        "const a = { in: 1, class: 2, this: 3 }",
        "a?.b ?? c.catch.try.async",
        "switch (a) { case 1: break; default: f() }",
        "// while (true) throw 1\n/* async */ const text = 'try { } catch'",
        "a - -1; b + +c; x - - y",
        "const { throw: thrown } = o",
        "export const response = (ctx) => (ctx.error ? util.error(ctx.error.message) : ctx.result)",
        "const half = a / 2 / b",
        "switch (a) { case b: f(); case c.d: case (e): g() }",
        "const a = b ? c : d; const e = b ? (c) : { c, d: d }; const f = { g: (h), Promise: 1 }.Promise",
    ],
)
def test_what_is_run(source: str) -> None:
    assert unsupported(source) == []


@pytest.mark.parametrize("path", sorted(PROGRAMS.glob("*.js")), ids=lambda path: path.name)
def test_our_own_programs_keep_to_it(path: Path) -> None:
    assert unsupported(path.read_text()) == []
