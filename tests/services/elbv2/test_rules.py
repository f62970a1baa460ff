"""Rules and actions as tables, and with a real load balancer."""

from __future__ import annotations

from typing import Any

import pytest

from kumoi.services.elbv2.actions import checked, location
from kumoi.services.elbv2.choosing import Turns
from kumoi.services.elbv2.conditions import Asked, like, matches
from kumoi.services.elbv2.conditions import checked as conditions
from kumoi.services.elbv2.health import matches as has_code
from kumoi.wire.errors import AwsError

LIKE = [
    ("/img/a.png", "/img/*", True),
    ("/img/a.png", "/img/?.png", True),
    ("/img/ab.png", "/img/?.png", False),
    ("/img", "/img/*", False),
    ("a" * 5000, "*a*a*a*a*b", False),
    ("a*b", r"a\*b", True),
    ("axb", r"a\*b", False),
    ("", "*", True),
    ("", "?", False),
    ("abcabc", "*abc", True),
]


@pytest.mark.parametrize(("text", "pattern", "expected"), LIKE)
def test_patterns(text: str, pattern: str, expected: bool) -> None:
    assert like(text, pattern) is expected


ASKED = Asked("Api.Example.com", "/v1/Things", "GET", "a=1&colour=Red&flag", "10.1.2.3", {"x-kind": ["one", "Two"]})
CONDITIONS = [
    ({"Field": "host-header", "Values": ["*.example.com"]}, True),
    ({"Field": "host-header", "HostHeaderConfig": {"Values": ["example.com", "api.*"]}}, True),
    ({"Field": "path-pattern", "Values": ["/v1/*"]}, True),
    ({"Field": "path-pattern", "Values": ["/v1/things"]}, False),
    ({"HttpHeaderConfig": {"HttpHeaderName": "X-Kind", "Values": ["TW?"]}, "Field": "http-header"}, True),
    ({"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "other", "Values": ["*"]}}, False),
    ({"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["POST", "GET"]}}, True),
    ({"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["HEAD"]}}, False),
    ({"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "Colour", "Value": "r*"}]}}, True),
    ({"Field": "query-string", "QueryStringConfig": {"Values": [{"Value": "1"}]}}, True),
    ({"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "a", "Value": "2"}]}}, False),
    ({"Field": "source-ip", "SourceIpConfig": {"Values": ["192.168.0.0/16", "10.0.0.0/8"]}}, True),
    ({"Field": "source-ip", "SourceIpConfig": {"Values": ["2001:db8::/32"]}}, False),
]


@pytest.mark.parametrize(("condition", "expected"), CONDITIONS)
def test_conditions(condition: dict[str, Any], expected: bool) -> None:
    assert matches(conditions([condition]), ASKED) is expected


def test_all_conditions_of_a_rule_count() -> None:
    every = [condition for condition, expected in CONDITIONS if expected][1:4]
    assert matches(conditions(every), ASKED)
    assert not matches([*conditions(every), *conditions([CONDITIONS[7][0]])], ASKED)


BAD_CONDITIONS = [
    [],
    [{}],
    [{"Field": "colour", "Values": ["x"]}],
    [{"Field": "path-pattern"}],
    [{"Field": "path-pattern", "Values": [""]}],
    [{"Field": "path-pattern", "Values": ["x" * 129]}],
    [{"Field": "path-pattern", "Values": ["a", "b", "c", "d", "e", "f"]}],
    [{"Field": "path-pattern", "Values": ["*a*b*c*d*e*f"]}],
    [{"Field": "path-pattern", "Values": ["a"]}, {"Field": "path-pattern", "Values": ["b"]}],
    [{"Field": "source-ip", "SourceIpConfig": {"Values": ["10.0.0"]}}],
    [{"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "Host", "Values": ["a"]}}],
    [{"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "a b", "Values": ["a"]}}],
    [{"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["get"]}}],
    [{"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "a"}]}}],
]


@pytest.mark.parametrize("given", BAD_CONDITIONS)
def test_conditions_that_cannot_be(given: list[dict[str, Any]]) -> None:
    with pytest.raises(AwsError) as error:
        conditions(given)
    assert error.value.code == "ValidationError"


DEFAULTS = {"Protocol": "#{protocol}", "Port": "#{port}", "Host": "#{host}", "Path": "/#{path}", "Query": "#{query}"}
LOCATIONS = [
    ({"Protocol": "HTTPS", "Port": "443"}, "https://a.b:443/x/y?q=1"),
    ({"Path": "/new/#{path}", "Query": ""}, "http://a.b:80/new/x/y"),
    ({"Host": "www.#{host}", "Query": "#{query}&z=2"}, "http://www.a.b:80/x/y?q=1&z=2"),
]


@pytest.mark.parametrize(("config", "where"), LOCATIONS)
def test_redirects(config: dict[str, str], where: str) -> None:
    assert location({**DEFAULTS, **config}, protocol="HTTP", host="a.b", port=80, path="/x/y", query="q=1") == where


BAD_ACTIONS = [
    ([], "InvalidLoadBalancerActionException"),
    ([{"Type": "forward"}], "InvalidLoadBalancerActionException"),
    ([{"Type": "redirect"}], "InvalidLoadBalancerActionException"),
    ([{"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_301"}}], "InvalidLoadBalancerActionException"),
    ([{"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_301", "Path": "x"}}], "ValidationError"),
    ([{"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_301", "Port": "0"}}], "ValidationError"),
    ([{"Type": "jwt-validation"}, {"Type": "forward", "TargetGroupArn": "a"}], "NotImplemented"),
    ([{"Type": "forward", "TargetGroupArn": "a"}] * 2, "InvalidLoadBalancerActionException"),
    (
        [{"Type": "forward", "ForwardConfig": {"TargetGroups": [{"TargetGroupArn": "a", "Weight": 1000}]}}],
        "ValidationError",
    ),
    (
        [{"Type": "forward", "ForwardConfig": {"TargetGroups": [{"TargetGroupArn": "a"}] * 6}}],
        "TooManyTargetGroupsException",
    ),
    (
        [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200", "ContentType": "a/b"}}],
        "ValidationError",
    ),
]


@pytest.mark.parametrize(("given", "code"), BAD_ACTIONS)
def test_actions_that_cannot_be(given: list[dict[str, Any]], code: str) -> None:
    with pytest.raises(AwsError) as error:
        checked(given)
    assert error.value.code == code


def test_weights_are_kept_and_spread() -> None:
    turns = Turns()
    assert "".join(str(turns.choose("r", {"a": 3, "b": 1})) for _ in range(8)) == "aabaaaba"
    assert turns.choose("r", {"a": 0}) is None
    assert [turns.choose("g", {"x": 1, "y": 1}) for _ in range(4)] in (["x", "y"] * 2, ["y", "x"] * 2)


@pytest.mark.parametrize(
    ("codes", "status", "expected"),
    [
        ("200", 200, True),
        ("200", 201, False),
        ("200,202", 202, True),
        ("200-299", 250, True),
        ("200-299,404", 404, True),
    ],
)
def test_matchers(codes: str, status: int, expected: bool) -> None:
    assert has_code(codes, status) is expected


def fixed(text: str, status: str = "200") -> list[dict[str, Any]]:
    config = {"StatusCode": status, "MessageBody": text, "ContentType": "text/plain"}
    return [{"Type": "fixed-response", "FixedResponseConfig": config}]


def test_the_first_rule_that_matches_answers(client: Any, balancer: Any, ask: Any) -> None:
    web = balancer(fixed("default", "404"))
    listener = web["ListenerArn"]

    def rule(priority: int, text: str, *conditions: dict[str, Any]) -> str:
        made = client.create_rule(
            ListenerArn=listener, Priority=priority, Conditions=list(conditions), Actions=fixed(text)
        )
        return str(made["Rules"][0]["RuleArn"])

    path = rule(20, "path", {"Field": "path-pattern", "Values": ["/a*"]})
    rule(30, "header", {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "x-a", "Values": ["1"]}})
    host = rule(40, "host", {"Field": "host-header", "Values": ["api.example.com"]})
    answer = ask(web, "/b")
    assert (answer.status, answer.data, answer.headers["Content-Type"]) == (
        404,
        b"default",
        "text/plain; charset=utf-8",
    )
    assert ask(web, "/a").data == b"path"
    assert ask(web, "/a", headers={"x-a": "1"}).data == b"path"
    assert ask(web, "/b", headers={"x-a": "1"}).data == b"header"
    client.set_rule_priorities(RulePriorities=[{"RuleArn": path, "Priority": 50}])
    assert ask(web, "/a", headers={"x-a": "1"}).data == b"header"
    client.modify_rule(RuleArn=host, Actions=fixed("other"))
    priorities = [one["Priority"] for one in client.describe_rules(ListenerArn=listener)["Rules"]]
    assert priorities == ["30", "40", "50", "default"]
    client.delete_rule(RuleArn=path)
    assert ask(web, "/a").status == 404


def test_addresses_and_listeners(kumoi: Any, client: Any, balancer: Any, ask: Any) -> None:
    web = balancer(fixed("eighty"))
    arn = web["LoadBalancerArn"]
    client.create_listener(LoadBalancerArn=arn, Protocol="HTTP", Port=8080, DefaultActions=fixed("other"))
    certificate = [{"CertificateArn": "arn:aws:acm:us-east-1:000000000000:certificate/a"}]
    client.create_listener(
        LoadBalancerArn=arn, Protocol="HTTPS", Port=443, Certificates=certificate, DefaultActions=fixed("tls")
    )
    name = web["DNSName"]
    label = name.partition(".")[0]
    assert ask(web).data == b"eighty"
    assert ask(web, headers={"Host": f"{name}:8080"}).data == b"other"
    assert ask(web, headers={"Host": f"{label}.us-east-1.elb.localhost:4566"}).data == b"eighty"
    other = {"Host": "api.example.com"}
    assert ask(web, f"/_kumoi/elb/{label}/x", headers=other).data == b"eighty"
    assert ask(web, f"/_kumoi/elb/{label}:443/x", headers=other).data == b"tls"
    assert ask(web, "/_kumoi/elb/nobody/x", headers=other).status == 503
    client.delete_load_balancer(LoadBalancerArn=arn)
    assert ask(web).status == 503


def test_a_redirect(balancer: Any, ask: Any) -> None:
    config = {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}
    web = balancer([{"Type": "redirect", "RedirectConfig": config}])
    answer = ask(web, "/x/y?a=1")
    assert (answer.status, answer.headers["Location"]) == (301, f"https://{web['DNSName']}:443/x/y?a=1")


def test_weights_and_stickiness_of_groups(client: Any, balancer: Any, group: Any, server: Any, ask: Any) -> None:
    blue, green = group(server("blue"), name="blue"), group(server("green"), name="green")
    weighted = [{"TargetGroupArn": blue, "Weight": 3}, {"TargetGroupArn": green, "Weight": 1}]

    def action(**sticky: Any) -> list[dict[str, Any]]:
        config = {"TargetGroups": weighted, "TargetGroupStickinessConfig": {"Enabled": False, **sticky}}
        return [{"Type": "forward", "ForwardConfig": config}]

    web = balancer(action())
    servers = [ask(web).json()["server"] for _ in range(8)]
    assert (servers.count("blue"), servers.count("green")) == (6, 2)
    client.modify_listener(ListenerArn=web["ListenerArn"], DefaultActions=action(Enabled=True, DurationSeconds=60))
    answers = [ask(web) for _ in range(4)]
    chosen = next(one for one in answers if one.json()["server"] == "green")
    cookies = chosen.headers.getlist("Set-Cookie")
    assert [one.partition("=")[0] for one in cookies] == ["AWSALBTG", "AWSALBTGCORS"]
    cookie = cookies[0].partition(";")[0]
    assert {ask(web, headers={"Cookie": f"a=b; {cookie}"}).json()["server"] for _ in range(4)} == {"green"}
