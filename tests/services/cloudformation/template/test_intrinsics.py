"""Intrinsic functions and templates' texts, by example."""

from __future__ import annotations

from typing import Any

import pytest

from kumoi.services.cloudformation.template.graph import dependencies, order
from kumoi.services.cloudformation.template.intrinsics import NO_VALUE, Scope, Unresolved
from kumoi.services.cloudformation.template.loops import unrolled
from kumoi.services.cloudformation.template.parsing import parse_template, parse_text
from kumoi.wire.errors import AwsError

TEMPLATE: dict[str, Any] = {
    "Mappings": {"Map": {"a": {"x": "ax", "list": ["1", "2"]}}},
    "Conditions": {
        "Yes": {"Fn::Equals": ["a", "a"]},
        "No": {"Fn::Not": [{"Condition": "Yes"}]},
        "Both": {"Fn::And": [{"Condition": "Yes"}, {"Condition": "No"}]},
        "Either": {"Fn::Or": [{"Condition": "Yes"}, {"Condition": "No"}]},
        "Loop": {"Fn::Not": [{"Condition": "Loop"}]},
    },
    "Resources": {"Made": {}, "Later": {}},
}


def scope() -> Scope:
    def reference(name: str) -> str:
        if name == "Later":
            raise Unresolved(name)
        return f"id-of-{name}"

    values = {"P": "p", "L": ["x", "y"], "AWS::Region": "eu-west-1"}
    return Scope(TEMPLATE, values, {"out": "exported"}, reference, lambda name, attribute: f"{name}/{attribute}")


@pytest.mark.parametrize(
    ("value", "comes_to"),
    [
        ({"Ref": "P"}, "p"),
        ({"Ref": "L"}, ["x", "y"]),
        ({"Ref": "Made"}, "id-of-Made"),
        ({"Fn::GetAtt": ["Made", "Arn"]}, "Made/Arn"),
        ({"Fn::GetAtt": "Made.Outputs.X"}, "Made/Outputs.X"),
        ({"Fn::Sub": "${P}-${Made}-${Made.Arn}-${!Literal}-$x"}, "p-id-of-Made-Made/Arn-${Literal}-$x"),
        ({"Fn::Sub": ["${v} ${P}", {"v": {"Ref": "Made"}}]}, "id-of-Made p"),
        ({"Fn::Join": ["-", ["a", {"Ref": "P"}, 3]]}, "a-p-3"),
        ({"Fn::Join": [",", {"Ref": "L"}]}, "x,y"),
        ({"Fn::Select": [1, {"Ref": "L"}]}, "y"),
        ({"Fn::Select": ["0", {"Fn::Split": ["-", "a-b"]}]}, "a"),
        ({"Fn::FindInMap": ["Map", "a", "x"]}, "ax"),
        ({"Fn::FindInMap": ["Map", "b", "x", {"DefaultValue": "none"}]}, "none"),
        ({"Fn::If": ["Yes", 1, 2]}, 1),
        ({"Fn::If": ["No", 1, 2]}, 2),
        ({"Fn::If": ["Both", 1, {"Fn::If": ["Either", 3, 4]}]}, 3),
        ({"Fn::Base64": "hi"}, "aGk="),
        ({"Fn::GetAZs": ""}, ["eu-west-1a", "eu-west-1b", "eu-west-1c"]),
        ({"Fn::Cidr": ["10.0.0.0/16", 2, 8]}, ["10.0.0.0/24", "10.0.1.0/24"]),
        ({"Fn::ImportValue": "out"}, "exported"),
        ({"Fn::Length": {"Ref": "L"}}, 2),
        ({"Fn::ToJsonString": {"a": {"Ref": "P"}}}, '{"a":"p"}'),
        ({"a": {"Ref": "AWS::NoValue"}, "b": 1}, {"b": 1}),
        ([1, {"Ref": "AWS::NoValue"}, 2], [1, 2]),
        ({"Fn::If": ["No", 1, {"Ref": "AWS::NoValue"}]}, NO_VALUE),
        ({"Condition": {"StringEquals": {"a": "b"}}}, {"Condition": {"StringEquals": {"a": "b"}}}),
    ],
)
def test_what_a_value_comes_to(value: Any, comes_to: Any) -> None:
    found = scope().evaluate(value)
    assert found is comes_to if comes_to is NO_VALUE else found == comes_to


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"Ref": "Nobody"}, "Unresolved resource dependencies [Nobody]"),
        ({"Fn::GetAtt": ["Nobody", "Arn"]}, "instance of Fn::GetAtt references undefined resource Nobody"),
        ({"Fn::Sub": 3}, "Fn::Sub"),
        ({"Fn::Select": [7, {"Ref": "L"}]}, "cannot select nonexistent value at index 7"),
        ({"Fn::FindInMap": ["Map", "b", "x"]}, "Unable to get mapping for Map::b::x"),
        ({"Fn::If": ["Nobody", 1, 2]}, "Unresolved condition dependency Nobody"),
        ({"Fn::If": ["Loop", 1, 2]}, "Circular dependency between conditions"),
        ({"Fn::ImportValue": "none"}, "No export named none found."),
        ({"Fn::Cidr": ["::/0", 10**9, 8]}, "the count 1000000000 is not between 1 and 256"),
        ({"Fn::Cidr": ["10.0.0.0/16", None]}, "Fn::Cidr"),
        ({"Fn::Nope": 1}, "Fn::Nope is not a valid intrinsic function"),
    ],
)
def test_what_comes_to_nothing(value: Any, message: str) -> None:
    with pytest.raises(AwsError) as refused:
        scope().evaluate(value)
    assert refused.value.code == "ValidationError"
    assert message in refused.value.message


def test_what_is_not_there_yet_is_told() -> None:
    with pytest.raises(Unresolved, match="Later"):
        scope().evaluate({"Fn::Sub": "${Later}"})


def test_short_forms_and_texts_of_yaml() -> None:
    found = parse_text(
        """
        a: !Ref X
        b: !GetAtt R.Outputs.Y
        c: !Sub ["${v}", {v: !Ref Z}]
        d: !If [Yes, !Join [",", [a, b]], !Ref AWS::NoValue]
        e: 2012-10-17
        f: 012345678901
        g: yes
        h: true
        i: 12
        j: 1.5
        k: ~
        l: !Select [0, !GetAZs ""]
        m: !Condition IsProd
        n: 99999999999999999999
        o: &o {p: 1}
        q: {<<: *o, r: *o}
        """
    )
    assert found == {
        "a": {"Ref": "X"},
        "b": {"Fn::GetAtt": ["R", "Outputs.Y"]},
        "c": {"Fn::Sub": ["${v}", {"v": {"Ref": "Z"}}]},
        "d": {"Fn::If": ["Yes", {"Fn::Join": [",", ["a", "b"]]}, {"Ref": "AWS::NoValue"}]},
        "e": "2012-10-17",
        "f": "012345678901",
        "g": "yes",
        "h": True,
        "i": 12,
        "j": 1.5,
        "k": None,
        "l": {"Fn::Select": [0, {"Fn::GetAZs": ""}]},
        "m": {"Condition": "IsProd"},
        "n": "99999999999999999999",
        "o": {"p": 1},
        "q": {"p": 1, "r": {"p": 1}},
    }


@pytest.mark.parametrize(
    "text",
    [
        *("", "just text", "[1]", "a: [", "{", "a: 1\na: 2", "Resources: 3", "Nope: 1", "!!python/object:os.system {}"),
        *(
            f"Resources: {{a: {value}}}"
            for value in ("!!binary aGk=", "!!set {a}", "!!timestamp 2001-01-01", "!!bool x")
        ),
        *(f"Resources: {{a: {value}}}" for value in ("!!int x", "!!float x", "!Sub {? [a] : b}")),
        "Metadata: &a [*a]",
    ],
)
def test_what_is_no_template(text: str) -> None:
    with pytest.raises(AwsError) as refused:
        parse_template(text)
    assert refused.value.code == "ValidationError"


def test_aliases_may_not_make_a_template_longer_than_one_may_be() -> None:
    aliases = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12))
    with pytest.raises(AwsError, match="longer than 2097152 characters"):
        parse_text(f"a0: &a0 x\n{aliases}")


def test_functions_may_not_make_a_text_longer_than_a_template_may_be() -> None:
    value: Any = '"'
    for _ in range(60):
        value = {"Fn::ToJsonString": value}
    with pytest.raises(AwsError, match=r"Fn::ToJsonString makes a text of more than 2097152 characters"):
        scope().evaluate(value)


def test_loops_may_not_write_more_than_a_template_may_be() -> None:
    body: dict[str, Any] = {"Q" + "".join(f"${{X{n}}}" for n in range(5)): {"Type": "T"}}
    for n in range(5):
        body = {f"Fn::ForEach::L{n}": [f"X{n}", [f"{n}{item:04d}" for item in range(1000)], body]}
    with pytest.raises(AwsError, match="the loops write more than 2097152 characters"):
        unrolled({"Resources": body}, {})


def test_order_follows_every_kind_of_reference() -> None:
    needs = dependencies(
        {
            "A": {"Properties": {"x": {"Fn::Sub": "${B.Arn} ${AWS::Region} ${!C}"}}},
            "B": {"Properties": {"x": [{"Ref": "C"}]}},
            "C": {"DependsOn": ["D"]},
            "D": {},
        }
    )
    assert needs == {"A": {"B"}, "B": {"C"}, "C": {"D"}, "D": set()}
    assert order(needs) == ["D", "C", "B", "A"]
