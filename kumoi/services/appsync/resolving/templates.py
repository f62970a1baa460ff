"""Programs in VTL: what they know, and what becomes of what they write. `$util` is in `template_utilities.py`.

Source: "AppSync resolver mapping template utility reference".
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import orjson

from kumoi.services.appsync.resolving.constants import copier
from kumoi.services.appsync.resolving.field import Field
from kumoi.services.appsync.resolving.outcomes import FieldError, Returned
from kumoi.services.appsync.resolving.template_utilities import extensions_of, util_of
from kumoi.vtl import Template, VtlError

KEPT = 1_024
_LONGEST_CONSTANT = 16 * 1024

Rendering = Callable[[Field], Any]
"""Gives the value that a template writes as JSON, None for nothing; raises FieldError and Returned."""


class Templates:
    """Templates in use, by their text: what each comes to, those used least recently go first."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Rendering] = OrderedDict()

    def of(self, text: str) -> Rendering:
        """What a template comes to. It is read when it runs first."""
        found = self._kept.get(text)
        if found is None:
            found = self._kept[text] = constant(text) or handed_on(text) or _Rendered(text)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(text)
        return found


def run(templates: Templates, field: Field, text: str) -> Any:
    """The value that a template writes as JSON, None for nothing; raises FieldError and Returned."""
    return templates.of(text)(field)


def constant(text: str) -> Rendering | None:
    """What copies the one value that a template writes, which has no reference or directive; None for others."""
    if "$" in text or "#" in text or "\\" in text or len(text) > _LONGEST_CONSTANT:
        return None
    try:
        copied = copier(orjson.loads(text))
    except orjson.JSONDecodeError:
        return None  # rendering says what is wrong
    return lambda _field: copied()


_HANDED_ON = re.compile(
    r"\s*\$!?(?:utils?\.toJson|\{utils?\.toJson)\(\$(?:ctx|context)\.(prev\.)?result((?:\.\w+)*)\)\}?\s*"
)


def handed_on(text: str) -> Rendering | None:
    """What follows a path to a value that the template does nothing to, which most response templates are."""
    match = _HANDED_ON.fullmatch(text)
    if match is None:
        return None
    before, steps = match[1] is not None, match[2].split(".")[1:]
    rendered = _Rendered(text)

    def followed(field: Field) -> Any:
        value = field.prev if before else field.result
        for step in steps:
            if not isinstance(value, dict):
                return None if value is None else rendered(field)
            value = value.get(step)
        return value

    return followed


class _Rendered:
    """A template that is rendered each time."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._template: Template | None = None

    def __call__(self, field: Field) -> Any:
        known = self._known(field)
        try:
            if self._template is None:
                self._template = Template(self._text)
            rendered = self._template.render(known)
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

    def _known(self, field: Field) -> dict[str, Any]:
        """What the template can refer to, as far as its text names it."""
        text = self._text
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
        return known
