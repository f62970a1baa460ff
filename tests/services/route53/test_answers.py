"""What names mean, by TestDNSAnswer; and which hosts the platform answers because of records."""

from __future__ import annotations

import http.client
import json
from collections import Counter
from typing import Any


def answer(route53: Any, zone: str, name: str, kind: str = "A") -> tuple[str, list[str]]:
    told = route53.test_dns_answer(HostedZoneId=zone, RecordName=name, RecordType=kind)
    return told["ResponseCode"], told["RecordData"]


def test_names_wildcards_and_names_that_are_not_there(route53: Any, new_zone: Any, change: Any, records: Any) -> None:
    zone = new_zone()
    change(
        zone,
        ("CREATE", records("www.example.com", "192.0.2.1")),
        ("CREATE", records("*.apps.example.com", "192.0.2.2")),
        ("CREATE", records("deep.under.example.com", "192.0.2.3")),
        ("CREATE", records("c.example.com", "www.example.com", kind="CNAME")),
        ("CREATE", records("sub.example.com", "ns.example.net.", kind="NS")),
    )
    assert answer(route53, zone, "WWW.example.com") == ("NOERROR", ["192.0.2.1"])
    assert answer(route53, zone, "www.example.com", "AAAA") == ("NOERROR", [])
    assert answer(route53, zone, "a.b.apps.example.com") == ("NOERROR", ["192.0.2.2"])
    assert answer(route53, zone, "under.example.com") == ("NOERROR", [])
    assert answer(route53, zone, "no.example.com") == ("NXDOMAIN", [])
    assert answer(route53, zone, "c.example.com") == ("NOERROR", ["www.example.com", "192.0.2.1"])
    assert answer(route53, zone, "x.sub.example.com") == ("NOERROR", ["ns.example.net."])


def test_weights(route53: Any, new_zone: Any, change: Any, records: Any) -> None:
    zone = new_zone()
    change(
        zone,
        ("CREATE", records("w.example.com", "192.0.2.1", SetIdentifier="1", Weight=1)),
        ("CREATE", records("w.example.com", "192.0.2.2", SetIdentifier="2", Weight=1)),
        ("CREATE", records("w.example.com", "192.0.2.3", SetIdentifier="3", Weight=0)),
    )
    counted = Counter(answer(route53, zone, "w.example.com")[1][0] for _ in range(60))
    assert set(counted) == {"192.0.2.1", "192.0.2.2"}


def test_failover_follows_the_health_check(route53: Any, new_zone: Any, change: Any, records: Any) -> None:
    config = {"Type": "CALCULATED", "HealthThreshold": 0, "ChildHealthChecks": []}
    check = route53.create_health_check(CallerReference="1", HealthCheckConfig=config)["HealthCheck"]["Id"]
    zone = new_zone()
    primary = {"SetIdentifier": "1", "Failover": "PRIMARY", "HealthCheckId": check}
    change(
        zone,
        ("CREATE", records("f.example.com", "192.0.2.1", **primary)),
        ("CREATE", records("f.example.com", "192.0.2.2", SetIdentifier="2", Failover="SECONDARY")),
    )
    assert answer(route53, zone, "f.example.com") == ("NOERROR", ["192.0.2.1"])
    route53.update_health_check(HealthCheckId=check, Inverted=True)
    assert answer(route53, zone, "f.example.com") == ("NOERROR", ["192.0.2.2"])


def test_latency_geolocation_and_multivalue(route53: Any, new_zone: Any, change: Any, records: Any) -> None:
    zone = new_zone()
    change(
        zone,
        ("CREATE", records("l.example.com", "192.0.2.1", SetIdentifier="1", Region="eu-west-1")),
        ("CREATE", records("l.example.com", "192.0.2.2", SetIdentifier="2", Region="us-east-1")),
        ("CREATE", records("g.example.com", "192.0.2.1", SetIdentifier="1", GeoLocation={"CountryCode": "DE"})),
        ("CREATE", records("g.example.com", "192.0.2.2", SetIdentifier="2", GeoLocation={"CountryCode": "*"})),
        ("CREATE", records("m.example.com", "192.0.2.1", SetIdentifier="1", MultiValueAnswer=True)),
        ("CREATE", records("m.example.com", "192.0.2.2", SetIdentifier="2", MultiValueAnswer=True)),
    )
    assert answer(route53, zone, "l.example.com")[1] == ["192.0.2.2"]
    assert answer(route53, zone, "g.example.com")[1] == ["192.0.2.2"]
    assert answer(route53, zone, "m.example.com")[1] == ["192.0.2.1", "192.0.2.2"]


def test_an_alias_of_the_zone_and_one_of_the_platform(
    route53: Any, new_zone: Any, change: Any, records: Any, alias: Any
) -> None:
    zone = new_zone()
    change(
        zone,
        ("CREATE", records("a.example.com", "192.0.2.1")),
        ("CREATE", alias("b.example.com", "a.example.com", zone)),
        ("CREATE", alias("example.com", "d111111abcdef8.cloudfront.net")),
    )
    assert answer(route53, zone, "b.example.com") == ("NOERROR", ["192.0.2.1"])
    assert answer(route53, zone, "example.com") == ("NOERROR", ["127.0.0.1"])


def port_of(kumoi: Any) -> int:
    """The port of the platform."""
    return int(str(kumoi.client("route53").meta.endpoint_url).rpartition(":")[2])


def ask(kumoi: Any, host: str) -> tuple[int, bytes]:
    """Status and body of what the platform answers to a host."""
    connection = http.client.HTTPConnection("127.0.0.1", port_of(kumoi))
    try:
        connection.request("GET", "/", headers={"Host": host})
        answered = connection.getresponse()
        return answered.status, answered.read()
    finally:
        connection.close()


def website(kumoi: Any, bucket: str) -> None:
    """A bucket that is a public website."""
    s3 = kumoi.client("s3")
    s3.create_bucket(Bucket=bucket)
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration={"IndexDocument": {"Suffix": "index.html"}})
    s3.put_object(Bucket=bucket, Key="index.html", Body=b"the site")
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))


def test_a_website_answers_under_its_name(kumoi: Any, new_zone: Any, change: Any, records: Any, alias: Any) -> None:
    zone = new_zone()
    website(kumoi, "www.example.com")
    pointing = alias("www.example.com", "s3-website-us-east-1.amazonaws.com", "Z3AQBSTGFYJSTF")
    change(zone, ("CREATE", pointing))
    assert ask(kumoi, "www.example.com") == (200, b"the site")
    assert ask(kumoi, f"WWW.example.com:{port_of(kumoi)}") == (200, b"the site")
    change(zone, ("DELETE", pointing))
    assert ask(kumoi, "www.example.com")[1] != b"the site"
    endpoint = "www.example.com.s3-website-us-east-1.amazonaws.com"
    change(zone, ("CREATE", records("www.example.com", endpoint, kind="CNAME")))
    assert ask(kumoi, "www.example.com") == (200, b"the site")


def test_a_load_balancer_answers_any_name(kumoi: Any, new_zone: Any, change: Any, records: Any, alias: Any) -> None:
    elb = kumoi.client("elbv2")
    balancer = elb.create_load_balancer(Name="b", Subnets=["subnet-1", "subnet-2"])["LoadBalancers"][0]
    fixed = {"StatusCode": "200", "ContentType": "text/plain", "MessageBody": "balanced"}
    action = {"Type": "fixed-response", "FixedResponseConfig": fixed}
    elb.create_listener(LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTP", Port=80, DefaultActions=[action])
    target = alias("app.example.com", f"dualstack.{balancer['DNSName']}", balancer["CanonicalHostedZoneId"])
    change(new_zone(), ("CREATE", target), ("CREATE", records("*.example.com", "app.example.com", kind="CNAME")))
    assert ask(kumoi, "app.example.com") == (200, b"balanced")
    assert ask(kumoi, "tenant.example.com") == (200, b"balanced")


def test_what_takes_its_own_names_alone_refuses_others(kumoi: Any, new_zone: Any, change: Any, alias: Any) -> None:
    change(new_zone(), ("CREATE", alias("cdn.example.com", "d111111abcdef8.cloudfront.net")))
    status, body = ask(kumoi, "cdn.example.com")
    assert (status, b"CloudFront" in body) == (403, True)


def test_what_names_lead_to_is_known_after_a_restart(killable: Any) -> None:
    killable.start()
    route53 = killable.client("route53")
    zone = route53.create_hosted_zone(Name="example.com", CallerReference="1")["HostedZone"]["Id"]
    website(killable, "www.example.com")
    target = {"Value": "www.example.com.s3-website-us-east-1.amazonaws.com"}
    one = {"Name": "www.example.com", "Type": "CNAME", "TTL": 60, "ResourceRecords": [target]}
    change = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": one}]}
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=change)
    killable.kill()
    killable.start()
    assert ask(killable, "www.example.com") == (200, b"the site")
    found = killable.client("route53").list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    assert len(found) == 3
