from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from kumoi.http_api.mapping_templates import UTIL, input_of, rendered
from kumoi.vtl import Template, VtlError


def made(source: str, body: str = "{}") -> tuple[str, int]:
    """What a template writes, and how often its variables were made."""
    times = 0

    def known() -> dict[str, Any]:
        nonlocal times
        times += 1
        empty: dict[str, dict[str, str]] = {"path": {}, "querystring": {}, "header": {}}
        return {"input": input_of(body, empty), "util": UTIL, "changed": {}}

    return asyncio.run(rendered(Template(source), known, len(body))), times


def test_a_short_template_is_rendered_at_once() -> None:
    assert made("$input.path('$.a')", '{"a": 7}') == ("7", 1)


def test_one_of_many_steps_begins_anew_in_a_thread() -> None:
    source = "#set($changed.n = 0)#foreach($i in [1..900])#set($changed.n = $changed.n + 1)#end$changed.n"
    assert made(source) == ("900", 2)


def test_patterns_and_long_bodies_are_for_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    where: list[bool] = []
    asked = Template.render

    def render(self: Template, *given: Any, **named: Any) -> Any:
        where.append(threading.current_thread() is threading.main_thread())
        return asked(self, *given, **named)

    monkeypatch.setattr(Template, "render", render)
    assert made("$util.urlEncode('a b').replaceAll('b', 'c')")[0] == "a+c"
    assert made("$input.path('$.a').length()", '{"a": "' + "x" * 9000 + '"}')[0] == "9000"
    assert where == [False, False]
    made("x")
    assert where[2:] == [True]


def test_a_limit_is_a_limit_in_a_thread_too() -> None:
    loops = "#foreach($i in [1..900])#foreach($k in [1..900])$i#end#end"
    with pytest.raises(VtlError, match="more than 200000 steps"):
        made(loops)
