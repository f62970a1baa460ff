"""The language's rules as tables: paths, intrinsic functions, templates, choices, retriers, JSONata."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kumoi.services.stepfunctions.language import intrinsics, json_path, jsonata_expression
from kumoi.services.stepfunctions.language.choice import compile_rule, matcher
from kumoi.services.stepfunctions.language.errors import EvaluationFailure, Invalid, StateError
from kumoi.services.stepfunctions.language.json_path import PathMissing
from kumoi.services.stepfunctions.language.retries import Retrier, find_retrier, matches
from kumoi.services.stepfunctions.language.scope import Scope
from kumoi.services.stepfunctions.language.templates import compile_template

STORE = {
    "books": [
        {"title": "A", "price": 8, "tags": ["x"]},
        {"title": "B", "price": 12, "tags": ["x", "y"]},
        {"title": "C", "price": 20, "isbn": "1"},
    ],
    "a": {"b": [{"c": 1}, {"c": 2}]},
    "k-d": 1,
    "sp ace": 2,
    "null": None,
    "lists": [[1, 2], [3, 4]],
}


def scope(document: Any, context: Any = None, **variables: Any) -> Scope:
    return Scope(document, lambda: context or {}, variables)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$", STORE),
        ("$.a.b[1].c", 2),
        ("$['a']['b'][0]", {"c": 1}),
        ("$.k-d", 1),
        ("$['sp ace']", 2),
        ("$.null", None),
        ("$.a.b[-1].c", 2),
        ("$.books[*].title", ["A", "B", "C"]),
        ("$.books[0:2].title", ["A", "B"]),
        ("$.books[-1:].title", ["C"]),
        ("$.books[0,2].title", ["A", "C"]),
        ("$..c", [1, 2]),
        ("$..price", [8, 12, 20]),
        ("$.books[?(@.price < 10)].title", ["A"]),
        ("$.books[?(@.price > 10 && @.isbn)].title", ["C"]),
        ("$.books[?(@.price == 8 || @.title == 'B')].title", ["A", "B"]),
        ("$.books[?(!@.isbn)].title", ["A", "B"]),
        ("$.books[?(@.title in ['A', 'C'])].price", [8, 20]),
        ("$.books[?(@.title =~ /a/i)].price", [8]),
        ("$.books[?(@.price > 100)]", []),
        ("$.books[(@.length-1)].title", "C"),
        ("$.books.length()", 3),
        ("$.books[*].price.sum()", 40),
        ("$..b[0]", {"c": 1}),
        ("$.lists[*][0]", [1, 3]),
        ("$.nothing[*]", []),
        ("$['k-d','sp ace']", [1, 2]),
    ],
)
def test_paths(path: str, expected: Any) -> None:
    assert json_path.parse(path)(scope(STORE)) == expected


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("$.no.such", "Missing property in path $['no']"),
        ("$.x", "No results for path: $['x']"),
        ("$.a.x", "No results for path: $['a']['x']"),
        ("$.a.b[7]", "Index out of bound when evaluating path $['a']['b'][7]"),
        ("$name.x", "The variable '$name' is not defined"),
    ],
)
def test_paths_that_match_nothing(path: str, text: str) -> None:
    with pytest.raises(PathMissing) as caught:
        json_path.parse(path)(scope(STORE))
    assert str(caught.value) == text


@pytest.mark.parametrize(
    "path", ["", "a", "$.", "$[", "$['a", "$..", "$.a b", "$[?(@.a ==)]", "$[?(", "$[::0]", "$[1.5]"]
)
def test_what_is_no_path(path: str) -> None:
    with pytest.raises(Invalid):
        json_path.parse(path)


@given(st.text("$.[]*?()@'\"ab01-,: &|!=<>~/\\", max_size=30))
@settings(max_examples=200, deadline=None)
def test_any_text_is_a_path_or_refused(text: str) -> None:
    try:
        path = json_path.parse("$" + text)
        path(scope(STORE, {}, a=STORE))
    except (Invalid, PathMissing):
        pass


def test_variables_and_the_context() -> None:
    where = scope({"x": 1}, {"Execution": {"Id": "arn"}}, order={"id": 7})
    assert json_path.parse("$$.Execution.Id")(where) == "arn"
    assert json_path.parse("$order.id")(where) == 7


@pytest.mark.parametrize(
    ("path", "document", "expected"),
    [
        ("$.r", {"a": 1}, {"a": 1, "r": 9}),
        ("$.r.s.t", {"a": 1}, {"a": 1, "r": {"s": {"t": 9}}}),
        ("$.a[1]", {"a": [1, 2]}, {"a": [1, 9]}),
        ("$", {"a": 1}, 9),
    ],
)
def test_inserting_leaves_the_original_alone(path: str, document: Any, expected: Any) -> None:
    before = repr(document)
    assert json_path.insert(json_path.parse(path), document, 9) == expected
    assert repr(document) == before


@pytest.mark.parametrize(("path", "document"), [("$.a[2]", {"a": [1, 2]}), ("$.a.b", {"a": 1}), ("$.a", "text")])
def test_inserting_where_nothing_can_stand(path: str, document: Any) -> None:
    with pytest.raises(PathMissing):
        json_path.insert(json_path.parse(path), document, 9)


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("States.Format('Hi {}, {}!', $.s, 3)", "Hi x, 3!"),
        ("States.Format('{}', $.o)", "{Arg1=1, Arg2=[]}"),
        ("States.Format('a \\{\\} \\' \\\\ {}', null)", "a {} ' \\ null"),
        ("States.StringToJson('')", None),
        ("States.StringToJson('-0')", 0),
        ("States.StringToJson('{\"a\": 1}')", {"a": 1}),
        ("States.JsonToString($.o)", '{"Arg1":1,"Arg2":[]}'),
        ("States.Array(1, 'a', null, true, $.s)", [1, "a", None, True, "x"]),
        ("States.Array()", []),
        ("States.ArrayPartition($.n, 2)", [[1, 2], [3]]),
        ("States.ArrayContains($.n, 2)", True),
        ("States.ArrayContains($.n, '2')", False),
        ("States.ArrayRange(0, 10, 3)", [0, 3, 6, 9]),
        ("States.ArrayRange(9, 1, -4)", [9, 5, 1]),
        ("States.ArrayGetItem($.n, 1)", 2),
        ("States.ArrayLength($.n)", 3),
        ("States.ArrayUnique(States.Array(1, true, 1, 'a', 'a'))", [1, True, "a"]),
        (
            'States.ArrayUnique(States.StringToJson(\'[{"a":[1]},[1],{"a":[1.0]},[true],0,false]\'))',
            [{"a": [1]}, [1], [True], 0, False],
        ),
        ("States.Base64Encode('data')", "ZGF0YQ=="),
        ("States.Base64Decode('ZGF0YQ==')", "data"),
        ("States.Hash('input data', 'SHA-1')", "aaff4a450a104cd177d28d18d74485e8cae074b7"),
        ("States.JsonMerge($.o, States.StringToJson('{\"Arg1\":2}'), false)", {"Arg1": 2, "Arg2": []}),
        ("States.MathAdd(1.49, 1.5)", 3),
        ("States.MathAdd(-1.5, -1.51)", -3),
        ("States.MathAdd(-1.49, -1.5)", -2),
        ("States.MathRandom(1, 2)", 1),
        ("States.StringSplit(',,,,', ',')", []),
        ("States.StringSplit('This.is+a,test=string', '.+,=')", ["This", "is", "a", "test", "string"]),
        ("States.ArrayLength(States.StringSplit($['s'], ','))", 1),
    ],
)
def test_intrinsic_functions(call: str, expected: Any) -> None:
    where = scope({"s": "x", "o": {"Arg1": 1, "Arg2": []}, "n": [1, 2, 3]})
    found = intrinsics.parse(call)(where)
    assert found == expected
    assert [type(one) for one in found] == [type(one) for one in expected] if isinstance(found, list) else True


@pytest.mark.parametrize(
    "call",
    [
        "States.StringToJson('{')",
        "States.Format('{}')",
        "States.ArrayGetItem($.n, 3)",
        "States.ArrayRange(0, 5, 0)",
        "States.ArrayRange(0, 5000, 1)",
        "States.ArrayPartition($.n, 0)",
        "States.JsonMerge($.o, $.o, true)",
        "States.MathAdd(2147483647, 1)",
        "States.MathAdd('1', 1)",
        "States.Base64Decode('*')",
        "States.Hash('x', 'CRC')",
        "States.ArrayLength('x')",
    ],
)
def test_intrinsic_functions_fail(call: str) -> None:
    with pytest.raises(StateError) as caught:
        intrinsics.parse(call)(scope({"n": [1], "o": {}}))
    assert caught.value.error == "States.IntrinsicFailure"


@pytest.mark.parametrize(
    "call",
    ["States.Nope()", "States.UUID(1)", "States.Format('a", "States.Array(1,2", "States.Array(a)", "States.UUID() x"],
)
def test_what_is_no_intrinsic_call(call: str) -> None:
    with pytest.raises(Invalid):
        intrinsics.parse(call)


def test_intrinsics_nest_ten_levels() -> None:
    def nested(depth: int) -> str:
        return "1" if depth == 0 else f"States.Array({nested(depth - 1)})"

    intrinsics.parse(nested(10))
    with pytest.raises(Invalid):
        intrinsics.parse(nested(11))


def test_a_template_takes_paths_calls_and_constants() -> None:
    template = {"a.$": "$.x", "b": {"c.$": "States.UUID()", "d": "$.x"}, "e": [{"f.$": "$v"}, 1]}
    made = compile_template(template, "Parameters")(scope({"x": 5}, v=6))
    assert len(made["b"].pop("c")) == 36
    assert made == {"a": 5, "b": {"d": "$.x"}, "e": [{"f": 6}, 1]}


def test_a_template_says_which_path_was_missing() -> None:
    with pytest.raises(StateError) as caught:
        compile_template({"a.$": "$.no"}, "Parameters")(scope({"x": 1}))
    assert caught.value.error == "States.Runtime"
    assert caught.value.cause == (
        "The JSONPath '$.no' specified for the field 'a.$' could not be found in the input '{\"x\":1}'"
    )


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"Variable": "$.n", "NumericEquals": 5}, True),
        ({"Variable": "$.n", "NumericLessThan": 5}, False),
        ({"Variable": "$.s", "NumericEquals": 5}, False),
        ({"Variable": "$.t", "NumericEquals": 1}, False),
        ({"Variable": "$.s", "StringGreaterThanEquals": "ab"}, True),
        ({"Variable": "$.s", "StringMatches": "a*c"}, True),
        ({"Variable": "$.n", "StringMatches": "*"}, False),
        ({"Variable": "$.n", "NumericEqualsPath": "$.m"}, True),
        ({"Variable": "$.t", "BooleanEquals": True}, True),
        ({"Variable": "$.n", "BooleanEquals": True}, False),
        ({"Variable": "$.d", "TimestampLessThan": "2026-01-01T00:00:00Z"}, True),
        ({"Variable": "$.d", "TimestampEquals": "2025-01-01T01:00:00+01:00"}, True),
        ({"Variable": "$.null", "IsNull": True}, True),
        ({"Variable": "$.null", "IsPresent": True}, True),
        ({"Variable": "$.none", "IsPresent": True}, False),
        ({"Variable": "$.none", "IsPresent": False}, True),
        ({"Variable": "$.n", "IsString": False}, True),
        ({"Variable": "$.d", "IsTimestamp": True}, True),
        ({"Variable": "$.s", "IsNumeric": True}, False),
        ({"And": [{"Variable": "$.n", "IsNumeric": True}, {"Variable": "$.s", "IsString": True}]}, True),
        ({"Or": [{"Variable": "$.n", "IsString": True}, {"Not": {"Variable": "$.n", "IsString": True}}]}, True),
        ({"Not": {"Variable": "$.n", "NumericEquals": 5}}, False),
    ],
)
def test_choice_rules(rule: dict[str, Any], expected: bool) -> None:
    document = {"n": 5, "m": 5.0, "s": "abc", "t": True, "null": None, "d": "2025-01-01T00:00:00Z"}
    assert compile_rule(rule)(scope(document)) is expected


def test_a_choice_of_what_is_missing_ends_the_execution() -> None:
    with pytest.raises(StateError) as caught:
        compile_rule({"Variable": "$.x", "NumericEquals": 1})(scope({}))
    assert caught.value.error == "States.Runtime"
    assert "Invalid path '$.x': The choice state's condition path references an invalid value." in str(caught.value)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("*", "", True),
        ("a*", "abc", True),
        ("*c", "abc", True),
        ("a*b*c", "a--b--c", True),
        ("a*b*c", "a--c--b", False),
        ("a*a", "a", False),
        ("a\\*", "a*", True),
        ("a\\*", "ab", False),
        ("a\\\\*", "a\\x", True),
    ],
)
def test_string_patterns(pattern: str, text: str, expected: bool) -> None:
    assert matcher(pattern)(text) is expected


@pytest.mark.parametrize(
    ("names", "error", "expected"),
    [
        (["A"], "A", True),
        (["A"], "B", False),
        (["States.ALL"], "B", True),
        (["States.ALL"], "States.Timeout", True),
        (["States.ALL"], "States.Runtime", False),
        (["States.ALL"], "States.DataLimitExceeded", False),
        (["States.TaskFailed"], "B", True),
        (["States.TaskFailed"], "States.Timeout", False),
        (["States.HeartbeatTimeout"], "States.Timeout", True),
        (["States.DataLimitExceeded"], "States.DataLimitExceeded", True),
    ],
)
def test_which_errors_match(names: list[str], error: str, expected: bool) -> None:
    assert matches(Retrier(tuple(names)), error) is expected


def test_back_off_grows_to_its_limit() -> None:
    retrier = Retrier.parse({"ErrorEquals": ["A"], "IntervalSeconds": 2, "BackoffRate": 3, "MaxDelaySeconds": 10})
    assert [retrier.delay(attempt, "") for attempt in (1, 2, 3, 4)] == [2, 6, 10, 10]
    jitter = Retrier.parse({"ErrorEquals": ["A"], "IntervalSeconds": 8, "JitterStrategy": "FULL"})
    assert 0 <= jitter.delay(1, "seed") <= 8
    assert jitter.delay(1, "seed") == jitter.delay(1, "seed")


def test_each_retrier_counts_for_itself() -> None:
    retriers = [Retrier(("A",), attempts=1), Retrier(("States.ALL",), attempts=2)]
    assert find_retrier(retriers, [0, 0], "A") == 0
    assert find_retrier(retriers, [1, 0], "A") is None
    assert find_retrier(retriers, [1, 1], "B") == 1
    assert find_retrier(retriers, [1, 2], "B") is None


def jsonata(expression: str, **bindings: Any) -> Any:
    return jsonata_expression.evaluate("{% " + expression + " %}", bindings, "Output", 1_700_000_000.5)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("$states.input.a", [1, 2, {"b": None}]),
        ("$states.input.a[2].b", None),
        ("$sum($states.input.a[[0..1]])", 3),
        ("$range(1, 9, 9)", 1),
        ("$range(0, 6, 3)", [0, 3, 6]),
        ("$partition([1,2,3,4,5], 2)", [[1, 2], [3, 4], [5]]),
        ("$hash('input data', 'SHA-1')", "aaff4a450a104cd177d28d18d74485e8cae074b7"),
        ("$parse('{\"a\":null}')", {"a": None}),
        ("{'a': 1.0, 'b': null}", {"a": 1, "b": None}),
        ("$x", None),
        ("$string(1e20)", "100000000000000000000"),
        ("$string(0.1 + 0.2)", "0.3"),
        ("$string(1e21)", "1e+21"),
        ("$string(0.00001)", "0.00001"),
        ("$string({'a': 1})", '{"a":1}'),
        ("[1, 2].$string()", ["1", "2"]),
        ("$length('\\uD83D\\uDE02')", 1),
        ("$now()", "2023-11-14T22:13:20.500Z"),
        ("$millis()", 1_700_000_000_500),
        ("$now('[Y0001]')", "2023"),
        ("$type($x)", "null"),
        ("[1..4]", [1, 2, 3, 4]),
        ("$map([1..3000], function($v){$v}) ~> $count()", 3000),
        ("5.5 % 2", 1.5),
        ("-10 % 3", -1),
        ("1e20 & ''", "100000000000000000000"),
        ("123456789012345678 & 'x'", "123456789012346000x"),
        ("$string(12345678901234567890)", "12345678901234600000"),
        ("'a' & 1.5 & true & $x & [1] & $none", "a1.5truenull[1]"),
        ("$number('0x1F')", 31),
        ("$number('-1.5e3')", -1500),
        ("$sort([[1,1],[2,2],[2,3],[0,4]], function($l, $r){$l[0] < $r[0]})", [[2, 2], [2, 3], [1, 1], [0, 4]]),
        ("$sort(['b', 'a'])", ["a", "b"]),
    ],
)
def test_jsonata(expression: str, expected: Any) -> None:
    assert jsonata(expression, states={"input": {"a": [1, 2, {"b": None}]}}, x=None) == expected


def test_jsonata_without_a_result() -> None:
    for expression in ("$states.input.zz", "$none", "$", "$$", "a.b"):
        assert jsonata(expression, states={"input": {}}) is jsonata_expression.NOTHING


@pytest.mark.parametrize(
    "expression",
    ["$eval('1')", "$number('x')", "function($x){$x}", "$hash('a', 'CRC')", "$parse('{')", "$number(' 5 ')",
     "$replace('abc', /x*/, '-')", "$split('abc', /x*/)", "5 % 0", "1 & $error('no')", "1/0",
     "($f := function($n){1 + $f($n + 1)}; $f(1))"],
)  # fmt: skip
def test_jsonata_fails(expression: str) -> None:
    with pytest.raises(EvaluationFailure) as caught:
        jsonata(expression)
    assert caught.value.error == "States.QueryEvaluationError"
    assert "specified for the field 'Output'" in str(caught.value.cause)


def test_what_is_no_jsonata() -> None:
    with pytest.raises(Invalid):
        jsonata_expression.check("{% 1 + %}")


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("$match('aaab', /A+/i).match", "aaa"),
        ("$replace('a\nb', /^b/m, 'x')", "a\nx"),
        ("$replace('abc', /(b)/, '[$1$2]')", "a[b]c"),
        ("$replace('abc', /(b)/, '[$12]')", "a[b2]c"),
        ("$replace('abcb', /b/, function($m) { $uppercase($m.match) })", "aBcB"),
        ("$split('a1b2c', /\\d/, 2)", ["a", "b"]),
        ("$contains('abc', /d/)", False),
    ],
)
def test_jsonata_has_regular_expressions(expression: str, value: Any) -> None:
    assert jsonata_expression.evaluate(f"{{% {expression} %}}", {}, "Output", 0.0) == value


def test_a_pattern_that_takes_too_long_is_an_error_of_the_state() -> None:
    text = "a" * 40 + "b"
    with pytest.raises(EvaluationFailure, match="TimeoutError"):
        jsonata_expression.evaluate("{% $contains($t, /^(a|a)*$/) %}", {"t": text}, "Output", 0.0)
    with pytest.raises(StateError, match="takes longer"):
        json_path.parse("$[?(@ =~ /(a|a)*/)]")(scope([text]))


def test_a_long_array_is_made_unique_in_no_time() -> None:
    numbers = list(range(40_000))
    begun = time.thread_time()
    assert intrinsics.parse("States.ArrayUnique($)")(scope(numbers)) == numbers
    assert time.thread_time() - begun < 1.0, "pair by pair it takes minutes"
