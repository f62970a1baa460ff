from __future__ import annotations

from kumoi.studio.declared import mentions

NODES = {"dynamodb:Orders": {}, "sqs:jobs": {}, "lambda:charge": {}, "s3:site": {}}
NAMES = {"Orders": "dynamodb:Orders", "jobs": "sqs:jobs", "charge": "lambda:charge", "site": "s3:site"}


def test_variables_of_a_function_name_resources_under_any_key() -> None:
    variables = {"Variables": {"T": "Orders", "Q": "http://h:1/000000000000/jobs", "LEVEL": "debug", "X": "Order"}}
    assert mentions(variables, NODES, NAMES, any_key=True) == ["dynamodb:Orders", "sqs:jobs"]


def test_a_definition_names_resources_inside_its_text() -> None:
    definition = """{"StartAt": "A", "States": {
        "A": {"Resource": "arn:aws:states:::dynamodb:putItem", "Parameters": {"TableName": "Orders"}},
        "B": {"Resource": "arn:aws:lambda:us-east-1:1:function:charge"},
        "jobs": {"Comment": "site"}}}"""
    assert mentions({"definition": definition}, NODES, NAMES) == ["dynamodb:Orders", "lambda:charge"]


def test_an_origin_names_a_bucket_by_its_host() -> None:
    assert mentions([{"DomainName": "site.s3.us-east-1.amazonaws.com"}], NODES, NAMES) == ["s3:site"]


def test_what_only_looks_like_json_is_a_text() -> None:
    assert mentions({"TableName": "{Orders"}, NODES, NAMES) == []
