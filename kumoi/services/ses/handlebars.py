"""The templates' language: what SES documents of Handlebars. Pure.

`{{name}}`, `{{a.b.0}}`, `{{#if}}`, `{{else if}}`, `{{#unless}}`, `{{#each}}` with `@index`, `@key`, `@first`, `@last`,
`{{#with}}`, `{{lookup}}`, inline partials, comments, `~`. As SES has it, nothing is escaped, and an attribute that the
data lack makes the rendering fail; within `{{#each}}` it is blank. Source: "Advanced email personalization" of the SES
developer guide.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

MOST_STEPS = 200_000
MOST_TEXT = 10_485_760
"""What a rendering may take: steps, and characters. Loops within loops grow beyond any template."""
_DEEPEST = 50

_TAG = re.compile(
    r"\{\{(?P<left>~)?(?:!--(?P<long>.*?)--(?P<right3>~)?\}\}"
    r"|\{(?P<raw>[^{}]*)\}(?P<right2>~)?\}\}"
    r"|(?P<body>[^{}]*?)(?P<right>~)?\}\})",
    re.DOTALL,
)
_WORDS = re.compile(r'"[^"]*"|\'[^\']*\'|\([^()]*\)|(?:\[[^\]]*\]|[^\s"\'()])+')
_STEPS = re.compile(r"\[([^\]]*)\]|([^./\[\]]+)")
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")


class RenderingError(Exception):
    """A template that cannot be rendered; the text says why."""


class MissingAttribute(RenderingError):
    """The data lack an attribute."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Attribute '{name}' is not present in the rendering data.")


@dataclass(slots=True)
class Block:
    """`{{#name arguments}}`: branches, each with what has to hold for it (None: else)."""

    name: str
    branches: list[tuple[list[str] | None, list[Node]]]


Node = str | list[str] | Block
"""Text, the words of `{{…}}`, or a block."""


@dataclass(frozen=True, slots=True)
class _Scope:
    value: Any
    outer: _Scope | None = None
    names: Mapping[str, Any] = field(default_factory=dict)
    lenient: bool = False


def render(template: str, data: Mapping[str, Any]) -> str:
    """The text of a template with data; RenderingError."""
    return _Rendering(data).text(parse(template))


def parse(template: str) -> list[Node]:
    """What a template is made of; RenderingError for blocks that do not end, and for braces that do not."""
    root: list[Node] = []
    open_blocks: list[Block] = []
    nodes, at, trim = root, 0, False
    while (tag := _TAG.search(template, at)) is not None:
        text = template[at : tag.start()]
        text = text.lstrip() if trim else text
        text = text.rstrip() if tag["left"] else text
        if text:
            nodes.append(text)
        at, trim = tag.end(), bool(tag["right"] or tag["right2"] or tag["right3"])
        body = (tag["raw"] if tag["raw"] is not None else tag["body"] or "").strip()
        if tag["long"] is not None or body.startswith("!"):
            continue
        nodes = _place(body, root, open_blocks, nodes)
    rest = template[at:]
    if "{{" in rest:
        raise RenderingError("The template has a {{ without its }}.")
    if open_blocks:
        raise RenderingError(f"The template's block {{{{#{open_blocks[-1].name}}}}} does not end.")
    rest = rest.lstrip() if trim else rest
    if rest:
        nodes.append(rest)
    return root


def _place(body: str, root: list[Node], open_blocks: list[Block], nodes: list[Node]) -> list[Node]:
    """Put a tag where it belongs; where what follows it goes."""
    if body.startswith("#"):
        words = _words(body[1:].lstrip("*").strip())
        block = Block(words[0], [(words[1:], [])])
        nodes.append(block)
        if len(open_blocks) >= _DEEPEST:
            raise RenderingError("The template's blocks are nested too deeply.")
        open_blocks.append(block)
        return block.branches[0][1]
    if body.startswith("/"):
        if not open_blocks or open_blocks[-1].name != body[1:].strip():
            raise RenderingError(f"The template closes a block that is not open: {{{{{body}}}}}.")
        open_blocks.pop()
        return open_blocks[-1].branches[-1][1] if open_blocks else root
    if (body == "else" or body.startswith("else ") or body == "^") and open_blocks:
        words = _words(body)[1:] if body.startswith("else ") else []
        branch: list[Node] = []
        open_blocks[-1].branches.append((words[1:] if words else None, branch))
        return branch
    nodes.append(_words(body))
    return nodes


def _words(body: str) -> list[str]:
    if body.startswith((">", "&")):
        return [body[0], *_WORDS.findall(body[1:])]
    words = _WORDS.findall(body)
    if not words:
        raise RenderingError("The template has an empty {{ }}.")
    return words


class _Rendering:
    """One rendering: its steps are counted, its partials known."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self._root = _Scope(data)
        self._partials: dict[str, list[Node]] = {}
        self._steps = 0
        self._depth = 0
        self._size = 0

    def text(self, nodes: Sequence[Node]) -> str:
        return "".join(self._nodes(nodes, self._root))

    def _nodes(self, nodes: Sequence[Node], scope: _Scope) -> Iterator[str]:
        for node in nodes:
            self._steps += 1
            if self._steps > MOST_STEPS:
                raise RenderingError("The template takes too many steps to render.")
            if isinstance(node, str):
                yield self._sized(node)
            elif isinstance(node, Block):
                yield from self._block(node, scope)
            elif node[0] == ">":
                yield from self._partial(node, scope)
            else:
                yield self._sized(shown(self._value(node[1:] if node[0] == "&" else node, scope)))

    def _sized(self, text: str) -> str:
        self._size += len(text)
        if self._size > MOST_TEXT:
            raise RenderingError("The rendered message is too long.")
        return text

    def _partial(self, words: list[str], scope: _Scope) -> Iterator[str]:
        name = words[1].strip("\"'") if len(words) > 1 else ""
        if name not in self._partials:
            raise RenderingError(f"The template refers to the partial '{name}', which does not exist.")
        if self._depth >= _DEEPEST:
            raise RenderingError("The template's partials call one another too deeply.")
        self._depth += 1
        within = scope if len(words) < 3 else _Scope(self._value(words[2:3], scope), scope, {}, scope.lenient)
        yield from self._nodes(self._partials[name], within)
        self._depth -= 1

    def _block(self, block: Block, scope: _Scope) -> Iterator[str]:
        words, first = block.branches[0]
        if block.name == "inline":
            self._partials[(words or [""])[0].strip("\"'")] = first
        elif block.name in ("if", "unless"):
            yield from self._choice(block, scope)
        elif block.name == "each":
            yield from self._each(block, scope)
        else:
            named = words if block.name == "with" else [block.name]
            value = self._value(named or ["this"], scope, blank=True)
            if block.name != "with" and isinstance(value, list):
                yield from self._each(Block("each", [([block.name], first), *block.branches[1:]]), scope)
            elif holds(value):
                yield from self._nodes(first, _Scope(value, scope, {}, scope.lenient) if value is not True else scope)
            else:
                yield from self._otherwise(block, scope)

    def _choice(self, block: Block, scope: _Scope) -> Iterator[str]:
        for place, (words, nodes) in enumerate(block.branches):
            if words is None:
                yield from self._nodes(nodes, scope)
                return
            right = holds(self._value(words or ["this"], scope, blank=True))
            if right != (block.name == "unless" and place == 0):
                yield from self._nodes(nodes, scope)
                return

    def _otherwise(self, block: Block, scope: _Scope) -> Iterator[str]:
        for words, nodes in block.branches[1:]:
            if words is None:
                yield from self._nodes(nodes, scope)
                return

    def _each(self, block: Block, scope: _Scope) -> Iterator[str]:
        words, nodes = block.branches[0]
        value = self._value(words or ["this"], scope)
        if isinstance(value, Mapping):
            items: list[tuple[Any, Any]] = list(value.items())
        else:
            items = list(enumerate(value)) if isinstance(value, list) else []
        if not items:
            yield from self._otherwise(block, scope)
        for place, (key, one) in enumerate(items):
            names = {"index": place, "key": key, "first": place == 0, "last": place == len(items) - 1}
            yield from self._nodes(nodes, _Scope(one, scope, names, lenient=True))

    def _value(self, words: list[str], scope: _Scope, *, blank: bool = False) -> Any:
        if words[0] == "lookup" and len(words) == 3:
            holder, key = (self._value([word], scope, blank=blank) for word in words[1:])
            return _step(holder, shown(key), None)
        if len(words) > 1:
            raise RenderingError(f"The template calls the helper '{words[0]}', which SES does not have.")
        word = words[0]
        if word[0] in "\"'":
            return word[1:-1]
        if word[0] == "(":
            return self._value(_words(word[1:-1].strip()), scope, blank=blank)
        if word in _LITERALS:
            return _LITERALS[word]
        if _NUMBER.fullmatch(word):
            return orjson.loads(word) if word.lstrip("-")[0] != "0" or word == "0" else word
        return self._path(word, scope, blank)

    def _path(self, path: str, scope: _Scope, blank: bool) -> Any:
        here: _Scope = scope
        rest = path
        while rest.startswith("../"):
            here, rest = here.outer or here, rest[3:]
        if rest == "..":
            return (here.outer or here).value
        names = [one or other for one, other in _STEPS.findall(rest)]
        if rest.startswith("@"):
            if names and names[0] == "@root":
                value: Any = self._root.value
            else:
                value = _meta(here, names[0][1:] if names else "")
            names = names[1:]
        else:
            value = here.value
            if names and names[0] == "this":
                names = names[1:]
        for name in names:
            value = _step(value, name, _MISSING)
            if value is _MISSING:
                if blank or here.lenient:
                    return None
                raise MissingAttribute(path)
        return value


_MISSING = object()
_LITERALS = {"true": True, "false": False, "null": None, "undefined": None}


def _meta(scope: _Scope, name: str) -> Any:
    found: _Scope | None = scope
    while found is not None:
        if name in found.names:
            return found.names[name]
        found = found.outer
    return None


def _step(value: Any, name: str, missing: Any) -> Any:
    if isinstance(value, Mapping):
        return value.get(name, missing)
    if isinstance(value, list):
        if name in ("length", "size"):
            return len(value)
        if name.isascii() and name.isdecimal() and len(name) < 9 and int(name) < len(value):
            return value[int(name)]
    return missing


def holds(value: Any) -> bool:
    """Whether a value counts as true: none of false, null, 0, and what is empty."""
    return bool(value)


def shown(value: Any) -> str:
    """A value as text."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return orjson.dumps(value).decode()
