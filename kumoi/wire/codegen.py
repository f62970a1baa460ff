"""Functions made from service models: written shape by shape as straight-line source, then compiled in one piece.

Why generate: whoever walks a model on each request pays for it on each request (measured with PutItem: 317 µs in a
walking parser). Written out once, an operation costs what its own members cost, and a part of a document in which
nothing can need converting is passed as it is. What a generator writes are names and literals of the model, quoted by
`repr`; nothing of a request ever becomes source.
"""

from __future__ import annotations

import linecache
import re
from collections.abc import Callable, Hashable, Iterable
from typing import Any

_NO_IDENTIFIER = re.compile(r"\W")


def indented(lines: Iterable[str]) -> list[str]:
    """Lines one level further in."""
    return [f"    {line}" for line in lines]


class Generator:
    """The functions of one service in one form, each written once; `helpers` are the names they may use.

    Functions call one another by name, so shapes may contain themselves.
    """

    def __init__(self, service: str, helpers: dict[str, Any]) -> None:
        self._service = service
        self._scope: dict[str, Any] = dict(helpers)
        self._functions: dict[Hashable, str] = {}
        self._written: list[str] = []

    def constant(self, label: str, value: Any) -> str:
        """The name under which generated code finds `value`."""
        name = self._unused(f"{label}_of")
        self._scope[name] = value
        return name

    def function(self, key: Hashable, label: str, parameters: str, body: Callable[[], Iterable[str]]) -> str:
        """The name of the function for `key`; when it is asked for first, `body` gives its lines."""
        found = self._functions.get(key)
        if found is None:
            found = self._functions[key] = self._unused(label)
            self._scope[found] = None
            self._written.append("\n".join([f"def {found}({parameters}):", *indented(body())]))
        return found

    def compiled(self, name: str, title: str) -> Callable[..., Any]:
        """The function `name`, compiled with everything written so far; `title` names the source in tracebacks."""
        if self._written:
            file = f"<kumoi wire: {self._service} {title}>"
            source = "\n\n".join(self._written) + "\n"
            self._written = []
            linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
            exec(compile(source, file, "exec"), self._scope)  # noqa: S102  (the one place; source is made of the model)
        function: Callable[..., Any] = self._scope[name]
        return function

    def _unused(self, label: str) -> str:
        name = base = _NO_IDENTIFIER.sub("_", label)
        number = 1
        while name in self._scope:
            number += 1
            name = f"{base}_{number}"
        return name
