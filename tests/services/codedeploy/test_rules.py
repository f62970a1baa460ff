"""How traffic is shifted, and what an AppSpec says."""

from __future__ import annotations

import json

import pytest

from kumoi.services.codedeploy.records import Configuration
from kumoi.services.codedeploy.rules import predefined, shifts
from kumoi.services.codedeploy.specification import read_specification
from kumoi.wire.errors import AwsError


@pytest.mark.parametrize(
    ("name", "steps"),
    [
        ("CodeDeployDefault.LambdaAllAtOnce", [(0, 100)]),
        ("CodeDeployDefault.LambdaCanary10Percent5Minutes", [(0, 10), (300, 100)]),
        ("CodeDeployDefault.LambdaLinear10PercentEvery1Minute", [(0, 10), *((60, n) for n in range(20, 101, 10))]),
    ],
)
def test_awss_own_configurations(name: str, steps: list[tuple[float, int]]) -> None:
    found = predefined(name)
    assert found is not None
    assert shifts(found) == steps


def test_a_linear_share_that_does_not_divide_a_hundred_ends_at_it() -> None:
    config = Configuration(name="c", id="c", created=0, kind="TimeBasedLinear", percentage=40, minutes=2)
    assert shifts(config) == [(0, 40), (120, 80), (120, 100)]


FUNCTION = {
    "Type": "AWS::Lambda::Function",
    "Properties": {"Name": "f", "Alias": "live", "CurrentVersion": 1, "TargetVersion": "2"},
}


def test_an_appspec_is_read() -> None:
    said = read_specification(
        json.dumps({"version": 0.0, "Resources": [{"x": FUNCTION}], "Hooks": [{"BeforeAllowTraffic": "check"}]})
    )
    assert said == ("f", "live", "1", "2", "check", None)
    yaml = (
        "version: 0.0\nResources:\n  - x:\n      Type: AWS::Lambda::Function\n      Properties:"
        " {Name: f, Alias: a, CurrentVersion: '1', TargetVersion: '2'}\n"
    )
    assert read_specification(yaml).alias == "a"


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "7", '{"Resources": []}', '{"Resources": [{}]}', '{"Resources": [{"x": {"Type": "AWS::ECS"}}]}',
        '{"Resources": [{"x": {"Type": "AWS::Lambda::Function", "Properties": {"Name": "f"}}}]}', "[" * 5000,
        '{"Resources": [{"a": {}, "b": {}}]}', '{"Resources": 1}', '{"Resources": [1]}',
    ],
)  # fmt: skip
def test_what_is_no_appspec_is_refused(text: str) -> None:
    with pytest.raises(AwsError) as error:
        read_specification(text)
    assert error.value.code == "InvalidRevisionException"
