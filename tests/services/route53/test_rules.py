"""Route 53's rules as tables."""

from __future__ import annotations

from typing import Any

import pytest

from kumoi.gateway.pointed_hosts import pointed_to
from kumoi.services.route53.domain_names import BadName, canonical, host, plain, reversed_name
from kumoi.services.route53.evaluation import chosen
from kumoi.services.route53.observations import Observation, Observations
from kumoi.services.route53.record_values import BadValue, check_value
from kumoi.services.route53.records import RecordSet


@pytest.mark.parametrize(
    ("given", "expected", "read"),
    [
        ("Example.COM", "example.com.", "example.com"),
        ("*.example.com.", r"\052.example.com.", "*.example.com"),
        (r"\052.example.com", r"\052.example.com.", "*.example.com"),
        ("a_b.example.com", "a_b.example.com.", "a_b.example.com"),
        ("a b.com", r"a\040b.com.", "a b.com"),
        (r"a\.b.com", r"a\056b.com.", "a.b.com"),
    ],
)
def test_names_as_they_are_kept(given: str, expected: str, read: str) -> None:
    assert (canonical(given), host(canonical(given))) == (expected, read)
    assert canonical(plain(expected)) == expected or r"\056" in expected


@pytest.mark.parametrize("name", ["", ".", "a..b", ".a", "x" * 64, ".".join(["x" * 60] * 5)])
def test_names_that_there_cannot_be(name: str) -> None:
    with pytest.raises(BadName):
        canonical(name)


def test_names_are_sorted_by_their_labels_from_the_last() -> None:
    names = ["example.com.", r"\052.example.com.", "b.a.example.com.", "a.example.com.", "www.example.com."]
    assert sorted(names, key=reversed_name) == [names[0], names[1], names[3], names[2], names[4]]


GOOD = [
    ("A", "192.0.2.1"),
    ("AAAA", "2001:db8::1"),
    ("CAA", '0 issue "amazon.com"'),
    ("CNAME", "_x1.acm-validations.aws."),
    ("DS", "123 4 5 1234567890ABCDEF1234567890ABCDEF"),
    ("HTTPS", "0 example.com"),
    ("HTTPS", '1 . alpn="h2"'),
    ("MX", "10 mail.example.com"),
    ("NAPTR", '100 50 "u" "sip+E2U" "!^.*$!sip:info@example.com!" .'),
    ("NS", "ns-1.example.com"),
    ("PTR", "host.example.com"),
    ("SRV", "1 10 5269 xmpp.example.com."),
    ("SSHFP", "2 1 123456789abcdef67890123456789abcdef67890"),
    ("TLSA", "3 0 1 d2abde240d7cd3ee6b4b28c54df034b9"),
    ("TXT", '"v=spf1 -all" "a \\"quoted\\" one"'),
]
BAD = [
    ("A", "192.0.2.256"),
    ("A", " 192.0.2.1"),
    ("CAA", "0 issue amazon.com"),
    ("CAA", '256 issue "a"'),
    ("CNAME", "a..b"),
    ("MX", "x mail.example.com"),
    ("NS", "two names"),
    ("SRV", "1 10 70000 a.b"),
    ("TLSA", "3 0 1 xyz"),
    ("TXT", '"open'),
]


@pytest.mark.parametrize(("kind", "value"), GOOD)
def test_values(kind: str, value: str) -> None:
    check_value(kind, value)


@pytest.mark.parametrize(("kind", "value"), BAD)
def test_values_that_there_cannot_be(kind: str, value: str) -> None:
    with pytest.raises(BadValue):
        check_value(kind, value)


def sets(*told: dict[str, Any]) -> list[RecordSet]:
    return [RecordSet(zone="Z", name="a.", type="A", identifier=str(at), told=one) for at, one in enumerate(told)]


@pytest.mark.parametrize(
    ("told", "healthy", "draw", "expected"),
    [
        ([{"Weight": 1}, {"Weight": 3}], (0, 1), 0.2, ["0"]),
        ([{"Weight": 1}, {"Weight": 3}], (0, 1), 0.3, ["1"]),
        ([{"Weight": 1}, {"Weight": 3}], (0,), 0.9, ["0"]),
        ([{"Weight": 0}, {"Weight": 0}], (0, 1), 0.6, ["1"]),
        ([{"Failover": "SECONDARY"}, {"Failover": "PRIMARY"}], (0, 1), 0, ["1"]),
        ([{"Failover": "SECONDARY"}, {"Failover": "PRIMARY"}], (), 0, ["1"]),
        ([{"Region": "eu-west-1"}, {"Region": "us-west-2"}], (0, 1), 0, ["1"]),
        ([{"GeoLocation": {"CountryCode": "DE"}}], (0,), 0, []),
        ([{"MultiValueAnswer": True}] * 10, range(10), 0, [str(at) for at in range(8)]),
    ],
)
def test_which_sets_are_answered(told: Any, healthy: Any, draw: float, expected: list[str]) -> None:
    among = sets(*told)
    found = chosen([among[at] for at in healthy], among, "us-east-1", lambda: draw)
    assert [one.identifier for one in found] == expected


def test_a_check_changes_its_mind_after_its_threshold() -> None:
    observations = Observations()
    seen = [True, False, False, True, False, False, False, True, True, True]
    changed = [observations.note("c", Observation(well, "", 0.0), 3) for well in seen]
    assert [at for at, one in enumerate(changed) if one] == [6, 9]
    assert observations.found["c"] is True


@pytest.mark.parametrize(
    ("end", "plane", "service", "attributes"),
    [
        ("b.s3-website-us-east-1.amazonaws.com", "s3-website", None, {"bucket": "www.x.com"}),
        ("s3-website.eu-central-1.amazonaws.com", "s3-website", None, {"bucket": "www.x.com"}),
        ("b.s3.amazonaws.com", None, "s3", {"bucket": "www.x.com"}),
        ("d1.cloudfront.net", "cloudfront-edge", None, {"alias": "www.x.com"}),
        ("a1.execute-api.us-east-1.amazonaws.com", "execute-api", None, {"domain": "www.x.com"}),
        ("dualstack.b-1.us-east-1.elb.amazonaws.com", "elb", None, {"id": "b-1"}),
        ("sqs.us-east-1.amazonaws.com", None, None, None),
        ("example.net", None, None, None),
    ],
)
def test_what_a_name_means_that_leads_elsewhere(end: str, plane: Any, service: Any, attributes: Any) -> None:
    found = pointed_to("www.x.com", end, ("amazonaws.com",), {"sqs": "sqs"})
    if attributes is None:
        assert found is None
        return
    assert found is not None
    assert (found.plane, found.service) == (plane, service)
    assert attributes.items() <= dict(found.attributes).items()
