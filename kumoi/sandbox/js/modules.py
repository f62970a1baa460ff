"""Imports and exports without a module loader: `import X from 'm'` becomes `const X = require('m')`, `export` goes.

A scanner tells code from strings, templates, regular expressions and comments, so that nothing in those is touched.
Line numbers stay what they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_TOKEN = re.compile(
    r"(?P<comment>//[^\n]*|/\*.*?\*/)"
    r"|(?P<string>\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*')"
    r"|(?P<word>[A-Za-z_$][\w$]*)"
    r"|(?P<number>\d[\w.]*)"
    r"|(?P<space>\s+)"
    r"|(?P<other>.)",
    re.DOTALL,
)
_REGEX = re.compile(r"/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\[\n])+/[a-z]*")
_BEFORE_REGEX = frozenset(
    (
        *("return", "typeof", "case", "in", "of", "do", "else", "void", "delete", "throw", "new", "instanceof"),
        *("await", "yield"),
    )
)
_IMPORT = re.compile(
    r"import\s*(?:(?P<default>[\w$]+)\s*,?\s*)?(?:\{(?P<named>[^}]*)\}|\*\s*as\s+(?P<all>[\w$]+))?\s*"
    r"(?:from\s*)?(?P<quote>['\"])(?P<module>[^'\"\n]+)(?P=quote)\s*;?"
)


def tokens(source: str) -> Iterator[tuple[str, str, int]]:
    """(kind, text, position) of each token; templates and regular expressions count as strings."""
    at, before = 0, ("", "")
    while at < len(source):
        if source[at] == "`":
            end = _template(source, at)
            yield "string", source[at:end], at
            at, before = end, ("string", "")
            continue
        if source[at] == "/" and source[at + 1 : at + 2] not in ("/", "*") and _may_be_regex(before):
            match = _REGEX.match(source, at)
            if match is not None:
                yield "string", match[0], at
                at, before = match.end(), ("string", "")
                continue
        match = _TOKEN.match(source, at)
        assert match is not None, "the last alternative matches anything"
        kind = match.lastgroup or "other"
        yield kind, match[0], at
        at = match.end()
        if kind not in ("space", "comment"):
            before = (kind, match[0])


def _may_be_regex(before: tuple[str, str]) -> bool:
    kind, text = before
    if kind == "word":
        return text in _BEFORE_REGEX
    return kind not in ("number", "string") and text not in (")", "]", "}")


def _template(source: str, at: int) -> int:
    """Where the template that begins at `at` ends."""
    depth, position = 0, at + 1
    while position < len(source):
        one = source[position]
        if one == "\\":
            position += 1
        elif depth == 0 and one == "`":
            return position + 1
        elif source.startswith("${", position):
            depth += 1
            position += 1
        elif depth and one == "{":
            depth += 1
        elif depth and one == "}":
            depth -= 1
        elif depth and one == "`":
            position = _template(source, position) - 1
        position += 1
    return len(source)


def words(source: str) -> Iterator[tuple[str, int]]:
    """(word, line) of each name and keyword in the code itself; not those behind a dot."""
    dotted = False
    for kind, text, at in tokens(source):
        if kind == "word" and not dotted:
            yield text, source.count("\n", 0, at) + 1
        if kind not in ("space", "comment"):
            dotted = text == "."


def rewritten(source: str) -> str:
    """The program as a script: its top-level imports as calls of `require`, its exports as plain declarations."""
    out: list[str] = []
    depth, done = 0, 0
    begins = True
    for kind, text, at in tokens(source):
        if at < done:
            continue
        if kind == "word" and depth == 0 and begins and text in ("import", "export"):
            replaced = _import(source, at) if text == "import" else _export(source, at)
            if replaced is not None:
                script, done = replaced
                out.append(script)
                continue
        if text in ("{", "(", "["):
            depth += 1
        elif text in ("}", ")", "]"):
            depth -= 1
        if kind != "comment" and not (kind == "space" and "\n" not in text):
            begins = text in (";", "}") or (kind == "space" and "\n" in text)
        out.append(text)
    return "".join(out)


def _import(source: str, at: int) -> tuple[str, int] | None:
    match = _IMPORT.match(source, at)
    if match is None:
        return None
    module = f"require({match['quote']}{match['module']}{match['quote']})"
    parts = []
    if match["default"]:
        parts.append(f"const {match['default']} = {module};")
    if match["all"]:
        parts.append(f"const {match['all']} = {module};")
    if match["named"] is not None:
        names = re.sub(r"\s+as\s+", ": ", match["named"])
        parts.append(f"const {{{names}}} = {module};")
    script = " ".join(parts) or f"{module};"
    return script + "\n" * (match[0].count("\n") - script.count("\n")), match.end()


def _export(source: str, at: int) -> tuple[str, int] | None:
    match = re.compile(r"export\s+(?:default\s+)?(?=async\b|function\b|const\b|let\b|var\b|class\b)").match(source, at)
    if match is None:
        match = re.compile(r"export\s*\{[^}]*\}\s*;?").match(source, at)
    return None if match is None else ("\n" * match[0].count("\n"), match.end())
