"""What is no pattern is refused in AWS's words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kumoi.event_pattern import PatternError, compile_pattern

VALUE = "Value of anything-but must be an array or single string/number value."
LIST = "Inside anything but list, start|null|boolean is not supported."
IGNORE_CASE = "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported."
EDGE = "prefix/suffix match pattern must be a string"
COMPLEX = (
    "Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences after a "
    "wildcard character"
)

MIXED = "Inside anything but list, either all values are number or string, mixed type is not supported"
MANY = "A pattern may have up to 1000 combinations of alternatives in $or"

LEAVES: list[tuple[Any, str]] = [
    ([], "Empty arrays are not allowed"),
    ([[]], "Match value must be String, number, true, false, or null"),
    ([{}], "Match expression name not found"),
    ([{"prefix": "a", "suffix": "b"}], "Only one key allowed in match expression"),
    ([{"EXISTS": True}], "Unrecognized match type EXISTS"),
    ([{"is": "a"}], "Unrecognized match type is"),
    ([{"exists": "true"}], "exists match pattern must be either true or false."),
    ([{"exists": None}], "exists match pattern must be either true or false."),
    ([{"prefix": 1}], "prefix match pattern must be a string"),
    ([{"prefix": ["a"]}], "prefix match pattern must be a string"),
    ([{"prefix": {"equals-ignore-case": 1}}], "prefix match pattern must be a string"),
    ([{"suffix": None}], "suffix match pattern must be a string"),
    ([{"suffix": {"prefix": "a"}}], "suffix match pattern must be a string"),
    ([{"equals-ignore-case": ["a"]}], "equals-ignore-case match pattern must be a string"),
    ([{"wildcard": 5}], "wildcard match pattern must be a string"),
    ([{"wildcard": "a**b"}], "Consecutive wildcard characters at pos 1"),
    ([{"wildcard": r"a\b"}], "Invalid escape character at pos 1"),
    ([{"wildcard": "a\\"}], "Invalid escape character at pos 1"),
    ([{"wildcard": "*:*:*:*:*:event-bus/*"}], COMPLEX),
    ([{"cidr": 8}], "prefix match pattern must be a string"),
    ([{"cidr": "10.0.0.0"}], "Malformed CIDR, one '/' required"),
    ([{"cidr": "10.0.0.0/1/2"}], "Malformed CIDR, one '/' required"),
    ([{"cidr": "bad/filter"}], "Malformed CIDR, mask bits must be an integer"),
    ([{"cidr": "10.0.0/24"}], "Nonstandard IP address: 10.0.0"),
    ([{"cidr": "xx::/64"}], "Nonstandard IP address: xx::"),
    ([{"numeric": 5}], "Value of numeric must be an array."),
    ([{"numeric": [5]}], "Invalid member in numeric match: 5"),
    ([{"numeric": []}], "Invalid member in numeric match: ]"),
    ([{"numeric": ["!", 5]}], "Unrecognized numeric range operator: !"),
    ([{"numeric": ["=", "5"]}], "Value of equals must be numeric"),
    ([{"numeric": ["<", None]}], "Value of < must be numeric"),
    ([{"numeric": ["<=", True]}], "Value of <= must be numeric"),
    ([{"numeric": [">"]}], "Value of > must be numeric"),
    ([{"numeric": [">=", "a"]}], "Value of >= must be numeric"),
    ([{"numeric": ["=", 5, 6]}], "Too many elements in numeric expression"),
    ([{"numeric": ["<", 5, ">", 0]}], "Too many elements in numeric expression"),
    ([{"numeric": [">", 0, ">", 1]}], "Bad numeric range operator: >"),
    ([{"numeric": [">", 0, 5]}], "Bad value in numeric range: 5"),
    ([{"numeric": [">", 0, "<", "5"]}], "Value of < must be numeric"),
    ([{"numeric": [">", 0, "<="]}], "Value of <= must be numeric"),
    ([{"numeric": [">", 5, "<", 5]}], "Bottom must be less than top"),
    ([{"numeric": [">", 0, "<", 5, 6]}], "Too many terms in numeric range expression"),
    ([{"anything-but": None}], VALUE),
    ([{"anything-but": True}], VALUE),
    ([{"anything-but": []}], "Empty arrays are not allowed"),
    ([{"anything-but": [None]}], LIST),
    ([{"anything-but": [["a"]]}], LIST),
    ([{"anything-but": ["a", 1]}], MIXED),
    ([{"anything-but": {}}], "Anything-But expression name not found"),
    ([{"anything-but": {"prefix": "a", "suffix": "b"}}], "Only one key allowed in match expression"),
    ([{"anything-but": {"numeric": ["=", 1]}}], "Unsupported anything-but pattern: numeric"),
    ([{"anything-but": {"prefix": None}}], VALUE),
    ([{"anything-but": {"prefix": {"equals-ignore-case": "a"}}}], VALUE),
    ([{"anything-but": {"suffix": {"equals-ignore-case": "a"}}}], VALUE),
    ([{"anything-but": {"prefix": 1}}], EDGE),
    ([{"anything-but": {"suffix": ["a", 1]}}], EDGE),
    ([{"anything-but": {"prefix": ""}}], "Null prefix/suffix not allowed"),
    ([{"anything-but": {"suffix": ["a", ""]}}], "Null prefix/suffix not allowed"),
    ([{"anything-but": {"equals-ignore-case": 1}}], IGNORE_CASE),
    ([{"anything-but": {"equals-ignore-case": ["a", None]}}], IGNORE_CASE),
    ([{"anything-but": {"wildcard": 1}}], "wildcard match pattern must be a string"),
    ([{"anything-but": {"wildcard": ["a", 1]}}], "wildcard match pattern must be a string"),
    ([{"anything-but": {"wildcard": "a**"}}], "Consecutive wildcard characters at pos 1"),
]  # fmt: skip


@pytest.mark.parametrize(("leaf", "reason"), LEAVES, ids=lambda value: json.dumps(value)[:60])
def test_a_condition_that_is_none(leaf: Any, reason: str) -> None:
    for pattern in ({"k": leaf}, {"d": {"k": leaf}}, {"$or": [{"a": ["b"]}, {"k": leaf}]}):
        with pytest.raises(PatternError) as refused:
            compile_pattern(json.dumps(pattern))
        assert str(refused.value) == reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"int": 42}', '"int" must be an object or an array'),
        ('{"string": "x"}', '"string" must be an object or an array'),
        ('{"a": {"b": null}}', '"b" must be an object or an array'),
        ("{}", "Empty objects are not allowed"),
        ('{"a": {}}', "Empty objects are not allowed"),
        (json.dumps({key: {"$or": [{"x": [n]} for n in range(11)]} for key in "abc"}), MANY),
        ("[]", "Filter is not an object"),
        ('"x"', "Filter is not an object"),
        ("null", "Filter is not an object"),
        ('{"a": ' * 101 + "[1]" + "}" * 101, "Kumoi takes patterns of up to 100 levels"),
        ('{"' + ".".join("a" * 101) + '": [1]}', "Kumoi takes patterns of up to 100 levels"),
    ],
)
def test_a_text_that_is_no_pattern(text: str, reason: str) -> None:
    with pytest.raises(PatternError) as refused:
        compile_pattern(text)
    assert str(refused.value) == reason


@pytest.mark.parametrize(
    "text", ["", "{", '{"a": [1}', '{"a": [NaN]}', '{"a": ["\\ud800"]}', '{"a": [1e999]}', "{'a'}"]
)
def test_what_is_not_json(text: str) -> None:
    with pytest.raises(PatternError, match="^Invalid JSON: "):
        compile_pattern(text)


def test_what_sns_takes_is_less() -> None:
    for dialect in ("sns-attributes", "sns-body"):
        compile_pattern('{"a": [{"anything-but": {"prefix": "x"}}]}', dialect)  # type: ignore[arg-type]
        with pytest.raises(PatternError, match="Unsupported anything-but pattern: suffix"):
            compile_pattern('{"a": [{"anything-but": {"suffix": "x"}}]}', dialect)  # type: ignore[arg-type]
    with pytest.raises(PatternError, match="does not support nested filter policy"):
        compile_pattern('{"a": {"b": ["x"]}}', "sns-attributes")
    assert compile_pattern('{"a.b": ["x"]}', "sns-attributes").matches({"a.b": "x"})
