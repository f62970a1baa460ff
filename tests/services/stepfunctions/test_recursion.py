"""Python's recursion limit stays what it was, though JSONata's library raises it, and deep expressions work."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from kumoi.services.stepfunctions.language.errors import EvaluationFailure, Invalid
from kumoi.services.stepfunctions.language.jsonata_expression import NOTHING, SHALLOW, check, evaluate, evaluate_here
from kumoi.services.stepfunctions.language.recursion import Deeper

COUNT = "($f := function($n) { $n = 0 ? 0 : 1 + $f($n - 1) }; $f(%d))"
MAPPED = "($f := function($n) { $n = 0 ? 7 : $sum($map([1], function($v) { $f($n - 1) })) }; $f(%d))"
DEEP = f"""
import sys
from kumoi.services.stepfunctions.language.jsonata_expression import evaluate

def value(text):
    return evaluate("{{% " + text + " %}}", {{}}, "field", 0.0)

usual = sys.getrecursionlimit()
print(value("1 + 1"), sys.getrecursionlimit() == usual)
print(value("{COUNT % 120}"), sys.getrecursionlimit() == usual)
"""


def test_the_limit_is_what_it_was() -> None:
    """In a process of its own, in which nothing has imported the library yet."""
    done = subprocess.run([sys.executable, "-c", DEEP], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["2 True", "120 True"], done.stderr


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"$merge([{{'a': [null, 'ü', {MAPPED % 70}]}}])", {"a": [None, "ü", 7]}),
        (f"({COUNT % 60}; $no)", NOTHING),
    ],
)
def test_what_recurses_deeply_has_its_value(text: str, expected: Any) -> None:
    assert evaluate(f"{{% {text} %}}", {}, "field", 0.0) == expected


def test_what_is_deep_is_known_by_its_levels_before_the_limit_is_reached() -> None:
    """An error of the limit itself could be taken for a value within the library, which catches all Exceptions."""
    assert not issubclass(Deeper, Exception)
    text = "($f := function($n) { $n = 0 ? 1 : ($f($n - 1) < 0) + 1 }; $f(%d))"
    assert evaluate_here(f"{{% {COUNT % 5} %}}", {}, "field", 0.0, None, SHALLOW) == 5
    for deep in (COUNT % 40, text % 40):
        with pytest.raises(Deeper):
            evaluate_here(f"{{% {deep} %}}", {}, "field", 0.0, None, SHALLOW)


def test_what_recurses_without_an_end_is_an_error() -> None:
    with pytest.raises(EvaluationFailure, match="non-terminating"):
        evaluate("{% ($f := function($n) { 1 + $f($n + 1) }; $f(1)) %}", {}, "field", 0.0)


def test_what_nests_too_deep_is_no_expression() -> None:
    with pytest.raises(Invalid, match="nests too deep"):
        check("{% " + "(" * 20_000 + "1" + ")" * 20_000 + " %}")
