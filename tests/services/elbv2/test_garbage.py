"""Whatever a client sends, it is told what is wrong: never a failure of the platform's own."""

from __future__ import annotations

import http.client
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kumoi.services.elbv2 import elbv2

ARN = "arn:aws:elasticloadbalancing:us-east-1:000000000000:"
WORDS = [
    *("", "web", "x" * 40, "ü", "-1", "0", "80", "70000", "true", "{}", "arn:", ARN, f"{ARN}loadbalancer/app/web/1"),
    *(f"{ARN}listener/app/web/1/2", f"{ARN}listener-rule/app/web/1/2/3", f"{ARN}targetgroup/g/1", f"{ARN}targetgroup/"),
    *(f"{ARN}loadbalancer/", f"{ARN}listener-rule/app", "HTTP", "HTTPS", "lambda", "ip", "forward", "redirect"),
    *("fixed-response", "HTTP_301", "path-pattern", "source-ip", "query-string", "*", "10.0.0.0/99", "W10=", "i-1"),
]
words = st.sampled_from(WORDS)
NAMES = [
    *("Name", "LoadBalancerArn", "ListenerArn", "RuleArn", "TargetGroupArn", "Protocol", "Port", "Priority", "Type"),
    *("TargetType", "HealthCheckPath", "HealthCheckIntervalSeconds", "Matcher.HttpCode", "Marker", "PageSize"),
    *("Targets.member.1.Id", "Targets.member.1.Port", "ResourceArns.member.1", "TagKeys.member.1"),
    *("Tags.member.1.Key", "Tags.member.1.Value", "Attributes.member.1.Key", "Attributes.member.1.Value"),
    *("Conditions.member.1.Field", "Conditions.member.1.Values.member.1", "Names.member.1"),
    "Conditions.member.1.SourceIpConfig.Values.member.1",
    "Conditions.member.1.QueryStringConfig.Values.member.1.Key",
    *("Actions.member.1.Type", "DefaultActions.member.1.Type", "DefaultActions.member.1.TargetGroupArn"),
    "DefaultActions.member.1.RedirectConfig.StatusCode",
    "DefaultActions.member.1.RedirectConfig.Port",
    "DefaultActions.member.1.FixedResponseConfig.StatusCode",
    "Actions.member.1.ForwardConfig.TargetGroups.member.1.TargetGroupArn",
    "Actions.member.1.ForwardConfig.TargetGroups.member.1.Weight",
    *("RulePriorities.member.1.RuleArn", "RulePriorities.member.1.Priority", "Subnets.member.1", "Scheme"),
    *("Certificates.member.1.CertificateArn", "LoadBalancerArns.member.1", "TargetGroupArns.member.1"),
]


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    operation=st.sampled_from(sorted(elbv2.operations.keys() - {"elb"})),
    params=st.dictionaries(st.sampled_from(NAMES), words, min_size=1, max_size=8),
)
def test_garbage_is_refused_not_suffered(kumoi: Any, operation: str, params: dict[str, str]) -> None:
    address = urlsplit(kumoi.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
    scope = f"{kumoi.account}/20260101/us-east-1/elasticloadbalancing/aws4_request"
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
    }
    body = urlencode({"Action": operation, "Version": "2015-12-01", **params})
    try:
        connection.request("POST", "/", body, headers)
        answer = connection.getresponse()
        content = answer.read()
    finally:
        connection.close()
    assert answer.status < 500 or answer.status == 501, (operation, params, content)


@pytest.mark.parametrize("host", ["", "web.us-east-1.elb.amazonaws.com", "web.us-east-1.elb.localhost:x", "[::1]"])
@pytest.mark.parametrize("path", ["/_kumoi/elb/", "/_kumoi/elb/:", "/_kumoi/elb/a:99999999/%", "/"])
def test_requests_to_nobody(kumoi: Any, host: str, path: str) -> None:
    address = urlsplit(kumoi.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
    connection.putrequest("GET", path, skip_host=True)
    connection.putheader("Host", host)
    connection.endheaders()
    assert connection.getresponse().status in (400, 403, 404, 503, 200)
    connection.close()
