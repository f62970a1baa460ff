"""Programs in VTL: what they know, and what becomes of what they write. `$util` is in `template_utilities.py`.

Source: "AppSync resolver mapping template utility reference".
"""

from __future__ import annotations

import re
from collections import OrderedDict
from functools import lru_cache
from typing import Any

import orjson

from kumoi.services.appsync.resolving.constants import Copier, copier
from kumoi.services.appsync.resolving.field import Field
from kumoi.services.appsync.resolving.outcomes import FieldError, Returned
from kumoi.services.appsync.resolving.template_utilities import extensions_of, util_of
from kumoi.vtl import Template, VtlError

KEPT = 1_024
_LONGEST_CONSTANT = 16 * 1024


class Templates:
    """Templates that were read, by their text; those without a reference or directive by what they write."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Template] = OrderedDict()
        self._constants: OrderedDict[str, Copier | None] = OrderedDict()

    def constant(self, text: str) -> Copier | None:
        """What makes copies of the one value that a template writes; None for one that has to be rendered."""
        if text not in self._constants:
            self._constants[text] = _constant(text)
            if len(self._constants) > KEPT:
                self._constants.popitem(last=False)
        return self._constants[text]

    def of(self, text: str) -> Template:
        """A template; raises VtlError."""
        found = self._kept.pop(text, None) or Template(text)
        self._kept[text] = found
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return found


def _constant(text: str) -> Copier | None:
    if "$" in text or "#" in text or "\\" in text or len(text) > _LONGEST_CONSTANT:
        return None
    try:
        return copier(orjson.loads(text))
    except orjson.JSONDecodeError:
        return None  # rendering says what is wrong


def run(templates: Templates, field: Field, text: str) -> Any:
    """The value that a template writes as JSON, None for nothing; raises FieldError and Returned."""
    if (copied := templates.constant(text)) is not None:
        return copied()
    if (path := _handed_on(text)) is not None:
        found, value = _followed(field.prev if path[0] == "prev" else field.result, path)
        if found:
            return value
    known: dict[str, Any] = {}
    if "ctx" in text or "context" in text:
        context = field.context()
        context["args"] = context["arguments"]
        context["stash"] = field.stash
        known = {"ctx": context, "context": context}
    if "util" in text:
        known["util"] = known["utils"] = util_of(field)
    if "extensions" in text:
        known["extensions"] = extensions_of(field)
    try:
        rendered = templates.of(text).render(known)
    except (VtlError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        # The latter are what a method of `$util` makes of values it does not expect.
        raise FieldError(str(error), "MappingTemplate") from None
    if rendered.returned:
        raise Returned(rendered.value)
    written = rendered.text.strip()
    if not written:
        return None
    try:
        return orjson.loads(written)
    except orjson.JSONDecodeError as error:
        raise FieldError(f"Unable to convert {written[:200]} to Object: {error}.", "MappingTemplate") from None


_HANDED_ON = re.compile(
    r"\s*\$!?(?:utils?\.toJson|\{utils?\.toJson)\(\$(?:ctx|context)\.((?:prev\.)?result(?:\.\w+)*)\)\}?\s*"
)


@lru_cache(maxsize=KEPT)
def _handed_on(text: str) -> tuple[str, ...] | None:
    """The steps to the value that a template does nothing to, which most response templates are."""
    match = _HANDED_ON.fullmatch(text)
    return tuple(match[1].split(".")) if match is not None else None


def _followed(result: Any, path: tuple[str, ...]) -> tuple[bool, Any]:
    """The value at a path of maps, and whether there is one: rendering says what else there may be."""
    value = result
    for step in path[path.index("result") + 1 :]:
        if not isinstance(value, dict):
            return value is None, None
        value = value.get(step)
    return True, value
