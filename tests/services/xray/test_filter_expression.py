"""The language of searches: what each expression means, of one trace that has something of everything."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kumoi.services.xray.filter_expression import FilterError, matches, parse
from kumoi.services.xray.traces import Trace, assemble

ROOT = "1-581cf771-a006649127e371903a2de979"


def a_trace() -> Trace:
    """A client's request to `api` (200 after 3 s), which calls `stock` (fault) and a table (throttled)."""
    return assemble(
        ROOT,
        [
            {
                "id": "0000000000000001",
                "name": "api",
                "start_time": 10.0,
                "end_time": 13.0,
                "user": "ada",
                "resource_arn": "arn:aws:lambda:us-east-1:123456789012:function:api",
                "http": {
                    "request": {
                        "url": "http://api.example.com/v2/orders",
                        "method": "POST",
                        "user_agent": "curl/8",
                        "client_ip": "10.0.0.1",
                    },
                    "response": {"status": 200},
                },
                "aws": {"account_id": "123456789012", "ec2": {"instance_id": "i-1", "availability_zone": "us-east-1a"}},
                "annotations": {"customer": "ada", "items": 3, "vip": True},
                "subsegments": [
                    {
                        "id": "0000000000000002",
                        "name": "stock",
                        "namespace": "remote",
                        "start_time": 10.5,
                        "end_time": 12.9,
                        "fault": True,
                    },
                    {
                        "id": "0000000000000003",
                        "name": "DynamoDB",
                        "namespace": "aws",
                        "start_time": 12.91,
                        "end_time": 12.95,
                        "throttle": True,
                        "error": True,
                        "aws": {"table_name": "orders"},
                    },
                ],
            },
            {
                "id": "0000000000000004",
                "name": "stock",
                "parent_id": "0000000000000002",
                "start_time": 10.6,
                "end_time": 13.5,
                "fault": True,
                "annotations": {"shelf": "b\\"},
                "cause": {"exceptions": [{"id": "0000000000000005", "type": "KeyError", "message": "no stock left"}]},
            },
        ],
    )


MEANT = [
    "ok",
    "!error",
    "! fault",
    "fault = false",
    "ok = TRUE",
    "ok != false",
    "!partial",
    "responsetime = 3",
    "responsetime >= 3 AND duration > 3.4",
    "duration <= 3.5",
    "duration < 3.6 ok",
    "(ok OR fault) and !throttle",
    "fault OR ok",
    "fault OR fault OR ok AND ok",
    "http.status = 200",
    "http.status != 404",
    "http.status < 300",
    'http.url BEGINSWITH "http://api.example.com/" AND http.url CONTAINS "/v2/"',
    'http.url endswith "orders"',
    'http.method = "POST"',
    'http.useragent CONTAINS "curl"',
    'http.clientip = "10.0.0.1"',
    'user = "ada"',
    'name = "api"',
    'instance.id = "i-1"',
    'availabilityzone BEGINSWITH "us-east"',
    'resource.arn ENDSWITH ":api"',
    "annotation.items",
    "annotation.items = 3",
    "annotation.items > 2.5",
    "annotation.vip = true",
    'annotation.customer = "ada"',
    'annotation.customer != "bob"',
    'annotation[customer] BEGINSWITH "a"',
    'annotation["customer"] = "ada"',
    r'annotation.shelf = "b\\"',
    "!annotation.nothing",
    'service("stock")',
    "service()",
    "service() { fault }",
    'service("stock") { fault = true AND responsetime > 2.5 }',
    'service("api") { ok !fault }',
    '!service("nowhere")',
    'service(id(name: "orders", type: "AWS::DynamoDB::Table")) { throttle }',
    'service(id(type: "AWS::DynamoDB::Table")) { inferred }',
    'service(id(account.id: "123456789012")) { root first }',
    'service("stock") { annotation.shelf }',
    'edge("api", "stock")',
    'edge("api", "stock") { fault AND responsetime < 2.5 }',
    'edge(id(type: "client"), "api") { ok }',
    'edge("api", id(name: "orders"))',
    'edge("api", ) { throttle }',
    '!edge("stock", "api")',
    'rootcause.fault.service { name = "stock" AND last }',
    'rootcause.fault.exception { name = "KeyError" AND message CONTAINS "stock" }',
    'rootcause.fault.entity { name = "stock" remote = false }',
    'rootcause.error.service { type = "AWS::DynamoDB::Table" }',
    'rootcause.responsetime.entity { name = "stock" and coverage > 0.7 }',
    'rootcause.responsetime.service { index = 0 AND name = "api" }',
    'rootcause.json = #[{"Name": "api"}, {"Name": "stock", "EntityPath": [{"Name": "stock"}]}]',
    'rootcause.fault.json != #[{"Name": "nobody"}]',
    'group.name = "mine"',
    'group.arn = "arn:g"',
]
NOT_MEANT = [
    "fault",
    "partial",
    "responsetime > 3",
    "http.status = 404",
    'annotation.items = "3"',
    "annotation.customer = 3",
    'service("orders") { ok }',
    'service("api") { fault }',
    'edge("stock", "api")',
    'edge("api", "stock") { ok }',
    'rootcause.fault.service { name = "api" AND last }',
    'rootcause.json = #[{"Name": "stock"}]',
    'group.name = "others"',
    'group.name = "endless"',
    'group.name != "mine"',
    "inferred",
    'user = "ADA"',
]
WRONG = [
    ("", "ends too early"),
    ("   ", "ends too early"),
    ("(", "ends too early"),
    ("ok AND", "ends too early"),
    ("bogus = 1", "bogus is not a keyword"),
    ("responsetime", "needs an operator"),
    ("fault = 1", "true or false"),
    ('responsetime = "1"', "a number"),
    ("user = 5", "text in double quotes"),
    ('user > "a"', "compares numbers"),
    ("responsetime CONTAINS 5", "compares text"),
    ('annotation.a > "x"', "compares numbers"),
    ("name[x] = 1", "takes no [key]"),
    ('service("a"', "ends too early"),
    ("service(a)", "unexpected"),
    ('service(id(nome: "a"))', "id() has name"),
    ("fault { ok }", "no conditions in braces"),
    ("rootcause.fault.nothing { ok }", "no conditions in braces"),
    ("rootcause.json = #[nothing]", "not JSON"),
    ("rootcause.json > #[]", "= or !="),
    ("ok ok)", "unexpected"),
    ("ok $ ok", "unexpected"),
    ("!" * 60 + "ok", "nested too deeply"),
    ("ok " * 700, "longer than"),
]


@pytest.mark.parametrize(("expression", "meant"), [(one, True) for one in MEANT] + [(one, False) for one in NOT_MEANT])
def test_which_traces_are_meant(expression: str, meant: bool) -> None:
    groups = {"mine": parse("ok"), "arn:g": None, "others": parse("fault"), "endless": parse('group.name = "endless"')}
    assert matches(parse(expression), a_trace(), groups) is meant


@pytest.mark.parametrize(("expression", "why"), WRONG)
def test_what_is_no_expression(expression: str, why: str) -> None:
    with pytest.raises(FilterError) as error:
        parse(expression)
    assert why in str(error.value)


WORDS = 'ok fault = != < > ( ) ! { } AND OR service( edge( id( "api" 3 annotation.items responsetime true , # [ ]'


@settings(max_examples=100)
@given(st.lists(st.sampled_from(WORDS.split()), max_size=12).map(" ".join) | st.text(max_size=20))
def test_any_text_is_an_expression_or_is_told_why_not(text: str) -> None:
    try:
        node = parse(text)
    except FilterError:
        return
    assert matches(node, a_trace()) in (True, False)
