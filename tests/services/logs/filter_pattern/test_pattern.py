"""Answers of the real service (TestMetricFilter, recorded in public) and examples of its user guide, as tables."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kumoi.services.logs.filter_pattern import parse
from kumoi.wire.errors import AwsError

TERMS = [
    "ERROR",
    "ERRORS",
    "xERROR",
    "error",
    "[ERROR]",
    "ERROR_code",
    "ERROR timeout",
    "INFO timeout",
    "WARN",
    "two words",
    "two  words",
]
VALUES = [
    '{"a":1}',
    '{"a":"1"}',
    '{"a":1.0}',
    '{"a":"01"}',
    '{"a":true}',
    '{"a":false}',
    '{"a":"true"}',
    '{"a":null}',
    "{}",
    '{"a":{}}',
    '{"a":[]}',
    '{"a":"foo"}',
    '{"a":"foobar"}',
    '{"a":"FOO"}',
    '{"a":1e3}',
    '{"a":"1e3"}',
    '{"a":1e309}',
    '{"a":"1e309"}',
    '{"a":1e-999}',
    '{"a":-0.0}',
    '{"a":9007199254740993}',
]
PATHS = [
    '{"a":[1,2]}',
    '{"a":[2,1]}',
    '{"a":[null,2]}',
    '{"a":{"x":1,"y":2}}',
    '{"a":{"x":2,"y":1}}',
    '{"a":[{"b":1},{"b":2}]}',
    '{"a.b":2}',
    '{"a-b":2}',
    '{"a":null}',
    "{}",
    "[1,2]",
    '{"a":2} trailing',
]
SHAPES = [
    "{}",
    '{"a":null}',
    '{"a":2}',
    '{"a":1}',
    '{"a":"2"}',
    '{"a":[]}',
    '{"a":[1,2]}',
    '{"a":[2,1]}',
    '{"a":[1]}',
    '{"a":[null,2]}',
    '{"a":{}}',
    '{"a":{"b":2}}',
    '{"a":[{"b":1},{"b":2}]}',
    '{"a":[{"b":null}]}',
    '{"a":[[1,2]]}',
    '{"a":[true,false]}',
]


def matching(pattern: str, messages: list[str]) -> list[int]:
    parsed = parse(pattern)
    return [number for number, message in enumerate(messages, 1) if parsed.match(message)]


@pytest.mark.parametrize(
    ("pattern", "numbers"),
    [
        ("ERROR", [1, 2, 3, 5, 6, 7]),
        ("error", [4]),
        ("ERROR timeout", [7]),
        ("ERROR -timeout", [1, 2, 3, 5, 6]),
        ('ERROR - "timeout"', [1, 2, 3, 5, 6]),
        ("-ERROR", [4, 8, 9, 10, 11]),
        ("?ERROR ?WARN", [1, 2, 3, 5, 6, 7, 9]),
        ("?ERROR timeout", [7, 8]),
        ("?ERROR -timeout", [1, 2, 3, 4, 5, 6, 9, 10, 11]),
        ('"two words"', [10]),
        ('-"two words"', [1, 2, 3, 4, 5, 6, 7, 8, 9, 11]),
        ('?"two words" ?WARN', [9, 10]),
        ('"ERR*"', []),
        ('" "', [7, 8, 10, 11]),
        ("", list(range(1, 12))),
        (" ", list(range(1, 12))),
        ("ERROR-timeout", [1, 2, 3, 5, 6]),
        ("WARN?ERROR", [9]),
    ],
)
def test_terms(pattern: str, numbers: list[int]) -> None:
    assert matching(pattern, TERMS) == numbers


@pytest.mark.parametrize("word", ["café", "a_b", "a.b"])
def test_letters_of_any_language_underscores_and_dots_need_no_quotes(word: str) -> None:
    assert parse(word).match(f"x{word}x")


@pytest.mark.parametrize(
    ("pattern", "numbers"),
    [
        ("{ $.a = 1 }", [1, 2, 3]),
        ('{ $.a = "1" }', [1, 2]),
        ("{ $.a != 1 }", [4, 7, 12, 13, 14, 15, 16, 18, 19, 20, 21]),
        ('{ $.a != "foo" }', [1, 2, 3, 4, 7, 13, 14, 15, 16, 17, 18, 19, 20, 21]),
        ("{ $.a > 0 }", [1, 3, 15, 21]),
        ("{ $.a = foo }", [12]),
        ("{ $.a = true }", [7]),
        ('{ $.a = "true" }', [7]),
        ("{ $.a IS TRUE }", [5]),
        ("{ $.a IS FALSE }", [6]),
        ("{ $.a IS NULL }", [8]),
        ("{ $.a is null }", [8]),
        ("{ $.a NOT EXISTS }", [9]),
        ("{ $.a = * }", [1, 2, 3, 4, 7, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21]),
        ('{ $.a = "*" }', [1, 2, 3, 4, 7, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21]),
        ("{ $.a = foo* }", [12, 13]),
        ("{ $.a = 1e3 }", [15, 16]),
        ("{ $.a = +1 }", [1, 3]),
        ("{ $.a = 1e309 }", [18]),
        ("{ $.a = 1e-999 }", []),
        ("{ $.a = 9007199254740992 }", []),
        ("{ $.a = 9007199254740993 }", [21]),
        ("{ $.a = -0.0 }", [19, 20]),
        ("{ $.a = %1% }", [1, 2, 3, 4, 15, 16, 18, 21]),
        ("{ $.a = 1 || $.a = foo }", [1, 2, 3, 12]),
        ("{ $.a = 1 && $.a != 1.0 }", [2]),
        ("{ $.a = foo || $.a = 1 && $.a IS NULL }", [12]),
        ("{ ($.a = foo || $.a = 1) && $.a = f* }", [12]),
    ],
)
def test_values_in_json(pattern: str, numbers: list[int]) -> None:
    assert matching(pattern, VALUES) == numbers


@pytest.mark.parametrize(
    ("pattern", "numbers"),
    [
        ("{ $.a[1] = 2 }", [1, 3]),
        ("{ $.a[*] = 2 }", [1, 2, 3, 4, 5]),
        ("{ $.a.* = 2 }", [1, 2, 3, 4, 5]),
        ("{ $.a[*].b = 2 }", [6]),
        ("{ $.['a.b'] = 2 }", [7]),
        ("{ $.a-b = 2 }", [8]),
        ("{ $.a IS NULL }", [3, 9]),
        ("{ $.a = 9 || $.missing NOT EXISTS }", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
        ("{ $.a[*] != 2 }", [6, 9]),
    ],
)
def test_selectors(pattern: str, numbers: list[int]) -> None:
    assert matching(pattern, PATHS) == numbers


@pytest.mark.parametrize(
    ("pattern", "numbers"),
    [
        ("{ $.a IS NULL }", [2, 10]),
        ("{ $.a = 2 }", [3, 5]),
        ("{ $.a != 2 }", [4]),
        ("{ $.a[*] != 2 }", [2, 3, 4, 5, 6, 9, 11, 13, 14, 15, 16]),
        ("{ $.a[*] IS NULL }", [10]),
        ("{ $.a[*] NOT EXISTS }", [1, 2, 3, 4, 5, 6, 11]),
        ("{ $.a NOT EXISTS }", [1]),
        ("{ $.a.b = 2 }", [12]),
        ("{ $.a.b NOT EXISTS }", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16]),
        ("{ $.a = * }", [3, 4, 5]),
        ("{ $.a != %2% }", [4]),
        ("{ $.a = %1% || $.a = %2% }", [3, 4, 5]),
    ],
)
def test_shapes(pattern: str, numbers: list[int]) -> None:
    assert matching(pattern, SHAPES) == numbers


GUIDE = (
    '{"eventType": "UpdateTrail", "sourceIPAddress": "111.111.111.111", "arrayKey": ["value", "another value"],'
    ' "objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}], "SomeObject": null, "cluster.name": "c",'
    ' "ThisFlag": true, "latency": 55.5, "numbers": [1000], "nested": {"email": "John.Stiles@example.com"}}\n'
)


@pytest.mark.parametrize(
    "pattern",
    [
        '{ $.eventType = "UpdateTrail" }',
        "{ $.eventType = *Trail }",
        "{ $.eventType = %Trail% }",
        "{ $.sourceIPAddress != 123.123.* }",
        "{ $.sourceIPAddress = 111.111.* }",
        '{ $.arrayKey[0] = "value" }',
        "{ $.arrayKey[*] = %val.{2}% }",
        r"{ $.* = %111\.111\.111\.1[0-9]{1,2}% }",
        "{ $.objectList[1].id = 2 }",
        '{ $.objectList[*].name = "b" }',
        "{ $.['cluster.name'] = \"c\" }",
        "{ $.SomeObject IS NULL }",
        "{ $.SomeOtherObject NOT EXISTS }",
        "{ $.ThisFlag IS TRUE }",
        "{$.latency<=55.5}",
        "{ $.latency = 5* }",
        "{ $.numbers[0] = 1e+3 && $.numbers[0] != 1e-3 && $.numbers[0] < 10e3 }",
        '{ ($.latency = 55.5) && ($.nested.email = "John.Stiles@example.com") }',
        '{ $.eventType = "UpdateTrail" || $.numbers[0] = nomatch && $.arrayKey[1] = nomatch }',
    ],
)
def test_examples_of_the_user_guide(pattern: str) -> None:
    assert parse(pattern).match(GUIDE)


@pytest.mark.parametrize(
    "pattern",
    [
        '{ ($.eventType = "UpdateTrail" || $.numbers[0] = nomatch) && $.arrayKey[1] = nomatch }',
        "{ $.eventType = Up*Trail }",
        "{ $.arrayKey = value }",
        "{ $.arrayKey != value }",
        "{ $.missing != value }",
    ],
)
def test_what_the_user_guide_says_does_not_match(pattern: str) -> None:
    assert parse(pattern).match(GUIDE) is None


MALFORMED = [
    ("ERR*", "Invalid character(s) in term '*'"),
    ("ERROR!", "Invalid character(s) in term '!'"),
    ("ERROR:", "Invalid character(s) in term ':'"),
    ("a/b", "Invalid character(s) in term '/'"),
    ("email@example.com", "Invalid character(s) in term '@'"),
    ('""', "Invalid character(s) in term '\"\"'"),
    ('"ERROR', "Invalid character(s) in term '\"ERROR'"),
    ('"ERROR"WARN', "Invalid filter pattern"),
    ("ERROR -", "Invalid filter pattern"),
    ("--ERROR", "Invalid filter pattern"),
    ("%(ab)+%", "Invalid character(s) in term '%('"),
    ("%café%", "Invalid character(s) in term '%café'"),
    ("%!%", "Invalid character(s) in term '%!'"),
    (r"%\(ab\)%", r"Invalid character(s) in term '%\('"),
    ("%[a&&b]%", "Invalid character(s) in term '%[a&'"),
    ("%%", "Invalid character(s) in term '%%'"),
    ("%abc", "If a filter pattern starts with '%' it must end with '%'"),
    ("%ERROR% %WARN%", "Invalid character(s) in term ' '"),
    ("ERROR %WARN%", "Invalid character(s) in term '%'"),
    ("?%WARN%", "Invalid character(s) in term '%'"),
    (r"%\p%", "Failed to compile regular expression."),
    ("%[z-a]%", "Failed to compile regular expression."),
    ("%a++%", "Failed to compile regular expression."),
    ("%a{3,2}%", "Failed to compile regular expression."),
    ("%[abc%", "Failed to compile regular expression."),
    ('{ $.a > "0" }', "Invalid character(s) in term '\"0\"'"),
    ("{ $.a = 1 AND $.b = 2 }", "Invalid filter pattern"),
    ("{ $.a == 1 }", "Invalid filter pattern"),
    ("{ $.a = 1 } x", "If a filter pattern starts with '{' it must end with '}'"),
    ("{ $.a = 1", "If a filter pattern starts with '{' it must end with '}'"),
    ("{ $['a.b'] = 2 }", "Invalid character(s) in term '$['"),
    ('{ $.["a.b"] = 2 }', "Invalid character(s) in term '$.[\"'"),
    ('{ $."detail-type" = 2 }', "Invalid character(s) in term '$.\"'"),
    ("{ $ = 2 }", "Invalid character(s) in term '$ '"),
    ("{ $[1] = 2 }", "Invalid character(s) in term '$['"),
    ("{ $.a[-1] = 2 }", "Invalid character(s) in term '[-'"),
    (
        "{ $.a[*].* = 2 }",
        "Your filter pattern has a JSON path selector that exceeds the maximum of 1 wildcard allowed per json "
        "selector.",
    ),
    ("{ $.a = null }", "Invalid filter pattern"),
    ("{ $.a IS NOT NULL }", "Invalid character(s) in term 'NOT'"),
    ("{ $.a EXISTS }", "Invalid filter pattern"),
    ("{ $.a = a:b }", "Invalid character(s) in term ':'"),
    ('{ $.m = "x", $.p = "y" }', "Invalid character(s) in term ','"),
    ("{ $.a = 1e2147483648 }", "Invalid filter pattern"),
    ("{ ($.a = 1 }", "Invalid filter pattern"),
    ("{ $.a = 1 && }", "Invalid filter pattern"),
    ("{}", "Invalid filter pattern"),
    ("{ " + "(" * 400 + "$.a = 1" + ")" * 400 + " }", "Invalid filter pattern"),
    (
        "{ $.a = %1% || $.a = %2% || $.a = %3% }",
        "Your input has exceeded the maximum of 2 regular expressions per filter pattern.",
    ),
    ("[time, level=ERROR", "If a filter pattern starts with '[' it must end with ']'"),
    ("[a=ERROR || b=one, b]", "Multiple variables used in a single filter. Var1 : a, Var2 : b"),
    ("[a, a]", "Duplicate field 'a'"),
    ("[a, ..., b, ...]", "Duplicate field '...'"),
    ("[1a]", "Invalid character(s) in term '1a'"),
    ("[a == 1]", "Invalid filter pattern"),
    ('[a>"1", b]', "Invalid filter pattern"),
    ("[a = 1 b]", "Invalid filter pattern"),
]


@pytest.mark.parametrize(("pattern", "message"), MALFORMED)
def test_malformed_patterns(pattern: str, message: str) -> None:
    with pytest.raises(AwsError) as raised:
        parse(pattern)
    assert (raised.value.code, raised.value.message) == ("InvalidParameterException", message)


def test_a_metric_filter_calls_its_pattern_by_that_name() -> None:
    with pytest.raises(AwsError, match="Invalid metric filter pattern"):
        parse("{ $.a == 1 }", what="metric filter pattern")


@pytest.mark.parametrize(
    "message",
    [
        "",
        "{",
        "{}",
        "null",
        '{"a": NaN}',
        '{"a": "\\ud800"}',
        '{"a":' * 100_000,
        '{"a": 1' + "0" * 5000 + "}",
        "\ud800",
    ],
)
def test_no_message_is_too_odd(message: str) -> None:
    for pattern in ("x", "%x%", "{ $.a = 1 }", "{ $.a = * }", "[a, b]", "[]"):
        parse(pattern).match(message)


FRAGMENTS = st.lists(
    st.sampled_from(
        [
            *"{}[]()$.*%\"'\\?-=!<>&|, \t^+aZ09_:@é",
            "$.a",
            "&&",
            "||",
            "...",
            "IS",
            "NULL",
            "NOT EXISTS",
            "%a%",
            '"x"',
            "1e5",
        ]
    ),
    max_size=25,
).map("".join)


@settings(max_examples=400, deadline=None)
@given(
    pattern=st.one_of(FRAGMENTS, FRAGMENTS.map("{{{}}}".format), FRAGMENTS.map("[{}]".format), st.text(max_size=30)),
    message=st.one_of(st.text(max_size=30), st.just(GUIDE)),
)
def test_any_text_is_a_pattern_or_an_aws_error(pattern: str, message: str) -> None:
    try:
        parsed = parse(pattern)
    except AwsError as error:
        assert error.code == "InvalidParameterException"
    else:
        parsed.match(message)
