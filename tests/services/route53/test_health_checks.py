"""Health checks by boto3, of endpoints that are there."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest


class Endpoint(BaseHTTPRequestHandler):
    """Answers what its server is told to."""

    status = 200

    def do_GET(self) -> None:
        self.send_response(type(self).status)
        self.end_headers()
        self.wfile.write(b"all is well")

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def endpoint() -> Iterator[int]:
    """The port of an endpoint that is well."""
    Endpoint.status = 200
    server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def observed(route53: Any, check: str, after: str = "") -> str:
    """The status that the checker saw first that is another one than `after`."""
    while True:
        seen = route53.get_health_check_status(HealthCheckId=check)["HealthCheckObservations"]
        if seen and (status := str(seen[0]["StatusReport"]["Status"])) != after:
            return status


def test_an_endpoint_is_checked(route53: Any, endpoint: int) -> None:
    config = {"Type": "HTTP_STR_MATCH", "IPAddress": "127.0.0.1", "Port": endpoint, "SearchString": "is well"}
    made = route53.create_health_check(CallerReference="1", HealthCheckConfig=config)["HealthCheck"]
    assert made["HealthCheckConfig"] | config == made["HealthCheckConfig"]
    assert (made["HealthCheckConfig"]["RequestInterval"], made["HealthCheckVersion"]) == (30, 1)
    assert observed(route53, made["Id"]) == "Success: HTTP Status Code 200"
    Endpoint.status = 500
    changed = route53.update_health_check(HealthCheckId=made["Id"], SearchString="sick")["HealthCheck"]
    assert changed["HealthCheckVersion"] == 2
    assert observed(route53, made["Id"]) == "Failure: HTTP Status Code 500"
    failed = route53.get_health_check_last_failure_reason(HealthCheckId=made["Id"])["HealthCheckObservations"]
    assert failed[0]["StatusReport"]["Status"] == "Failure: HTTP Status Code 500"


def test_names_fail_over_where_an_endpoint_is_sick(
    kumoi: Any, route53: Any, new_zone: Any, change: Any, records: Any, endpoint: int
) -> None:
    Endpoint.status = 503
    config = {"Type": "HTTP", "IPAddress": "127.0.0.1", "Port": endpoint}
    check = route53.create_health_check(CallerReference="1", HealthCheckConfig=config)["HealthCheck"]["Id"]
    observed(route53, check)
    zone = new_zone()
    primary = {"SetIdentifier": "1", "Failover": "PRIMARY", "HealthCheckId": check}
    change(
        zone,
        ("CREATE", records("f.example.com", "192.0.2.1", **primary)),
        ("CREATE", records("f.example.com", "192.0.2.2", SetIdentifier="2", Failover="SECONDARY")),
    )
    told = route53.test_dns_answer(HostedZoneId=zone, RecordName="f.example.com", RecordType="A")
    assert told["RecordData"] == ["192.0.2.2"]


def test_checks_are_listed_and_deleted(route53: Any, refused: Any) -> None:
    config = {"Type": "TCP", "IPAddress": "127.0.0.1", "Port": 9}
    made = [
        route53.create_health_check(CallerReference=str(number), HealthCheckConfig=config)["HealthCheck"]["Id"]
        for number in range(3)
    ]
    same = route53.create_health_check(CallerReference="0", HealthCheckConfig=config)["HealthCheck"]["Id"]
    assert same == made[0]
    other = refused(route53.create_health_check, CallerReference="0", HealthCheckConfig={**config, "Port": 8})
    assert other[0] == "HealthCheckAlreadyExists"
    pages = route53.get_paginator("list_health_checks").paginate(PaginationConfig={"PageSize": 2})
    assert sorted(one["Id"] for page in pages for one in page["HealthChecks"]) == sorted(made)
    calculated = {"Type": "CALCULATED", "HealthThreshold": 1, "ChildHealthChecks": made[:1]}
    route53.create_health_check(CallerReference="c", HealthCheckConfig=calculated)
    assert refused(route53.delete_health_check, HealthCheckId=made[0])[0] == "HealthCheckInUse"
    route53.delete_health_check(HealthCheckId=made[1])
    assert refused(route53.get_health_check, HealthCheckId=made[1])[0] == "NoSuchHealthCheck"
    stale = refused(route53.update_health_check, HealthCheckId=made[2], HealthCheckVersion=7, Port=1)
    assert stale[0] == "HealthCheckVersionMismatch"


def test_what_checks_cannot_be(route53: Any, refused: Any) -> None:
    for config in (
        {"Type": "HTTP"},
        {"Type": "TCP", "IPAddress": "127.0.0.1"},
        {"Type": "HTTP_STR_MATCH", "IPAddress": "127.0.0.1"},
        {"Type": "HTTP", "IPAddress": "169.254.169.254"},
        {"Type": "HTTP", "IPAddress": "127.0.0.1", "RequestInterval": 20},
        {"Type": "CALCULATED"},
    ):
        assert refused(route53.create_health_check, CallerReference="1", HealthCheckConfig=config)[0] == "InvalidInput"


@pytest.mark.kumoi_clock
def test_requests_go_to_the_secondary_once_the_primary_is_sick(kumoi: Any, endpoint: int) -> None:
    route53, elb = kumoi.client("route53"), kumoi.client("elbv2")
    names = {}
    for name in ("primary", "secondary"):
        balancer = elb.create_load_balancer(Name=name, Subnets=["subnet-1", "subnet-2"])["LoadBalancers"][0]
        fixed = {"StatusCode": "200", "ContentType": "text/plain", "MessageBody": name}
        action = {"Type": "fixed-response", "FixedResponseConfig": fixed}
        arn = balancer["LoadBalancerArn"]
        elb.create_listener(LoadBalancerArn=arn, Protocol="HTTP", Port=80, DefaultActions=[action])
        names[name] = balancer["DNSName"]
    config = {
        "Type": "HTTP", "IPAddress": "127.0.0.1", "Port": endpoint, "RequestInterval": 10, "FailureThreshold": 2
    }  # fmt: skip
    check = route53.create_health_check(CallerReference="1", HealthCheckConfig=config)["HealthCheck"]["Id"]
    observed(route53, check)
    zone = route53.create_hosted_zone(Name="failing.example", CallerReference="1")["HostedZone"]["Id"]
    changes = []
    for name, target in names.items():
        of = {"HostedZoneId": "Z35SXDOTRQ7X7K", "DNSName": target, "EvaluateTargetHealth": False}
        one = {"Name": "app.failing.example", "Type": "A", "SetIdentifier": name, "Failover": name.upper()}
        one |= {"AliasTarget": of, **({"HealthCheckId": check} if name == "primary" else {})}
        changes.append({"Action": "CREATE", "ResourceRecordSet": one})
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})

    def page() -> str:
        asked = urllib.request.Request(kumoi.url, headers={"Host": "app.failing.example"})
        with urllib.request.urlopen(asked) as answer:
            return str(answer.read().decode())

    assert page() == "primary"
    Endpoint.status = 500
    kumoi.advance("10s")
    assert page() == "primary"
    kumoi.advance("30s")
    assert page() == "secondary"
    Endpoint.status = 200
    kumoi.advance("30s")
    assert page() == "primary"
