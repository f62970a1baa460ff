"""The library of JSONata raises Python's recursion limit for good: it stays what it was, and deep expressions work."""

from __future__ import annotations

import subprocess
import sys

import pytest

from kumoi.services.stepfunctions.language.errors import EvaluationFailure, Invalid
from kumoi.services.stepfunctions.language.jsonata_expression import check, evaluate

COUNT = "($f := function($n) { $n = 0 ? 0 : 1 + $f($n - 1) }; $f(%d))"
MAPPED = "($f := function($n) { $n = 0 ? 7 : $sum($map([1], function($v) { $f($n - 1) })) }; $f(%d))"
DEEP = f"""
import sys
from concurrent.futures import ThreadPoolExecutor
from kumoi.services.stepfunctions.language.jsonata_expression import check, evaluate

def value(text):
    return evaluate("{{% " + text + " %}}", {{}}, "field", 0.0)

usual = sys.getrecursionlimit()
print(value("1 + 1"), sys.getrecursionlimit() == usual)
with ThreadPoolExecutor(4) as threads:
    print(set(threads.map(value, ["{COUNT % 120}"] * 8)), sys.getrecursionlimit() == usual)
check("{{% " + "(" * 500 + "1" + ")" * 500 + " %}}")
print(sys.getrecursionlimit() == usual)
"""


def test_the_limit_is_what_it_was() -> None:
    """In a process of its own, in which nothing has imported the library yet."""
    done = subprocess.run([sys.executable, "-c", DEEP], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["2 True", "{120} True", "True"], done.stderr


@pytest.mark.parametrize(("text", "expected"), [(COUNT % 130, 130), (MAPPED % 70, 7)])
def test_what_recurses_deeply_is_evaluated(text: str, expected: int) -> None:
    assert evaluate(f"{{% {text} %}}", {}, "field", 0.0) == expected


def test_no_depth_turns_a_value_into_another() -> None:
    """The library takes whatever happens within `$base64encode` for nothing."""
    text = "($f := function($n) { $n = 0 ? $base64encode('a') : $f($n - 1) & '' }; $f(%d))"
    assert {evaluate(f"{{% {text % depth} %}}", {}, "field", 0.0) for depth in range(1, 90)} == {"YQ=="}


def test_what_recurses_without_an_end_is_an_error() -> None:
    with pytest.raises(EvaluationFailure, match="non-terminating"):
        evaluate("{% ($f := function($n) { 1 + $f($n + 1) }; $f(1)) %}", {}, "field", 0.0)


def test_what_nests_too_deep_is_no_expression() -> None:
    with pytest.raises(Invalid, match="nests too deep"):
        check("{% " + "(" * 20_000 + "1" + ")" * 20_000 + " %}")
