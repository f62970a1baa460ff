"""What depends on the platform's time: expiry, revalidation, stale serving, deployments that take a while."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

pytestmark = pytest.mark.kumoi_clock

Config = Callable[..., dict[str, Any]]
View = Callable[..., Any]


class Origin:
    """A server that counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self.status = 200
        self.headers: dict[str, str] = {}
        self.body = b"one"
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer.asked.append({name.lower(): value for name, value in self.headers.items()})
                etag = outer.headers.get("ETag")
                matches = etag is not None and self.headers.get("If-None-Match") == etag
                self.send_response(304 if matches else outer.status)
                for name, value in outer.headers.items():
                    self.send_header(name, value)
                content = b"" if matches else outer.body
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_args: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def origin() -> Iterator[Origin]:
    one = Origin()
    yield one
    one.server.shutdown()
    one.server.server_close()


@pytest.fixture
def domain(kumoi: Any, config: Config, origin: Origin) -> str:
    settings = {
        "HTTPPort": origin.server.server_address[1],
        "HTTPSPort": 443,
        "OriginProtocolPolicy": "http-only",
    }
    origins = {"Quantity": 1, "Items": [{"Id": "one", "DomainName": "localhost", "CustomOriginConfig": settings}]}
    client = kumoi.client("cloudfront")
    return str(client.create_distribution(DistributionConfig=config(Origins=origins))["Distribution"]["DomainName"])


def cache_of(answer: Any) -> str:
    return str(answer.headers["x-cache"].removesuffix(" from cloudfront"))


def test_expired_objects_are_revalidated(kumoi: Any, origin: Origin, domain: str, view: View) -> None:
    origin.headers = {"Cache-Control": "max-age=60", "ETag": '"v1"'}
    assert cache_of(view(domain)) == "Miss"
    kumoi.advance(50)
    again = view(domain)
    assert (cache_of(again), 50 <= int(again.headers["age"]) <= 55) == ("Hit", True)
    kumoi.advance(20)
    refreshed = view(domain)
    assert (cache_of(refreshed), refreshed.body) == ("RefreshHit", b"one")
    assert origin.asked[-1]["if-none-match"] == '"v1"'
    assert cache_of(view(domain)) == "Hit"
    kumoi.advance(61)
    origin.headers["ETag"], origin.body = '"v2"', b"two"
    changed = view(domain)
    assert (cache_of(changed), changed.body) == ("Miss", b"two")


def test_an_origin_that_fails_leaves_the_expired_object(kumoi: Any, origin: Origin, domain: str, view: View) -> None:
    origin.headers = {"Cache-Control": "max-age=10"}
    view(domain)
    kumoi.advance(30)
    origin.status = 503
    assert view(domain).body == b"one"
    asked = len(origin.asked)
    assert view(domain).body == b"one"  # for ten seconds the origin is left alone
    assert len(origin.asked) == asked
    kumoi.advance(11)
    origin.status = 404
    assert view(domain).status == 404


def test_stale_if_error_sets_the_bounds(kumoi: Any, origin: Origin, domain: str, view: View) -> None:
    origin.headers = {"Cache-Control": "max-age=10, stale-if-error=20"}
    view(domain)
    origin.status = 500
    kumoi.advance(15)
    assert view(domain).status == 200
    kumoi.advance(60)
    assert view(domain).status == 500


def test_stale_while_revalidate(kumoi: Any, origin: Origin, domain: str, view: View) -> None:
    origin.headers = {"Cache-Control": "max-age=10, stale-while-revalidate=60"}
    view(domain)
    kumoi.advance(20)
    origin.body = b"two"
    assert view(domain).body == b"one"
    assert any(view(domain).body == b"two" for _ in range(300))
    assert len(origin.asked) == 2


def test_what_is_refreshed_behind_an_answer_is_no_miss_of_it(
    kumoi: Any, config: Config, origin: Origin, domain: str, view: View
) -> None:
    client = kumoi.client("cloudfront")
    made = client.create_function(
        Name="late",
        FunctionConfig={"Comment": "", "Runtime": "cloudfront-js-2.0"},
        FunctionCode=b"function handler(event) { return event.response }",
    )
    arn = made["FunctionSummary"]["FunctionMetadata"]["FunctionARN"]
    client.publish_function(Name="late", IfMatch=made["ETag"])
    [one] = client.list_distributions()["DistributionList"]["Items"]
    got = client.get_distribution_config(Id=one["Id"])
    attached = {"Quantity": 1, "Items": [{"EventType": "viewer-response", "FunctionARN": arn}]}
    got["DistributionConfig"]["DefaultCacheBehavior"]["FunctionAssociations"] = attached
    client.update_distribution(Id=one["Id"], IfMatch=got["ETag"], DistributionConfig=got["DistributionConfig"])
    origin.headers = {"Cache-Control": "max-age=10, stale-while-revalidate=60"}
    view(domain)
    kumoi.advance(20)
    assert cache_of(view(domain)) == "Hit"


@pytest.mark.parametrize("said", ["private", "no-cache", "no-store", "private, max-age=60"])
def test_what_is_for_one_viewer_is_shown_to_no_other(
    kumoi: Any, origin: Origin, domain: str, view: View, said: str
) -> None:
    client = kumoi.client("cloudfront")
    parameters = {
        "EnableAcceptEncodingGzip": False,
        "HeadersConfig": {"HeaderBehavior": "none"},
        "CookiesConfig": {"CookieBehavior": "none"},
        "QueryStringsConfig": {"QueryStringBehavior": "none"},
    }
    policy = {"Name": "none-needed", "MinTTL": 0, "ParametersInCacheKeyAndForwardedToOrigin": parameters}
    made = client.create_cache_policy(CachePolicyConfig=policy)["CachePolicy"]
    [one] = client.list_distributions()["DistributionList"]["Items"]
    got = client.get_distribution_config(Id=one["Id"])
    got["DistributionConfig"]["DefaultCacheBehavior"]["CachePolicyId"] = made["Id"]
    client.update_distribution(Id=one["Id"], IfMatch=got["ETag"], DistributionConfig=got["DistributionConfig"])
    origin.headers = {"Cache-Control": said, "ETag": '"v1"'}
    assert view(domain).body == b"one"
    origin.status, origin.headers = 503, {}
    assert view(domain).status == 503


def test_errors_are_kept_for_ten_seconds(kumoi: Any, origin: Origin, domain: str, view: View) -> None:
    origin.status = 404
    view(domain)
    origin.status = 200
    assert view(domain).status == 404
    kumoi.advance(11)
    assert view(domain).status == 200


def test_concurrent_misses_ask_once(origin: Origin, domain: str, view: View) -> None:
    answers: list[Any] = []
    threads = [threading.Thread(target=lambda: answers.append(view(domain, "/same"))) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.body for answer in answers] == [b"one"] * 12
    assert len(origin.asked) == 1


def test_a_deployment_that_reaches_one_pop_after_another(
    kumoi: Any, config: Config, origin: Origin, view: View
) -> None:
    client = kumoi.client("cloudfront")
    tags = [{"Key": "kumoi:deployment-seconds", "Value": "300"}, {"Key": "kumoi:staggered", "Value": "true"}]
    settings = {"HTTPPort": origin.server.server_address[1], "HTTPSPort": 443, "OriginProtocolPolicy": "http-only"}
    origins = {"Quantity": 1, "Items": [{"Id": "one", "DomainName": "localhost", "CustomOriginConfig": settings}]}
    given = {"DistributionConfig": config(Origins=origins), "Tags": {"Items": tags}}
    made = client.create_distribution_with_tags(DistributionConfigWithTags=given)["Distribution"]
    id, domain = made["Id"], made["DomainName"]
    assert client.get_distribution(Id=id)["Distribution"]["Status"] == "InProgress"
    kumoi.advance(301)
    assert client.get_distribution(Id=id)["Distribution"]["Status"] == "Deployed"
    got = client.get_distribution_config(Id=id)
    got["DistributionConfig"]["Enabled"] = False
    changed = client.update_distribution(Id=id, IfMatch=got["ETag"], DistributionConfig=got["DistributionConfig"])
    kumoi.advance(100)
    assert [view(domain, x_kumoi_pop=pop).status for pop in ("IAD", "BOM")] == [403, 200]
    with pytest.raises(client.exceptions.DistributionNotDisabled):
        client.delete_distribution(Id=id, IfMatch=changed["ETag"])
    kumoi.advance(201)
    assert view(domain, x_kumoi_pop="BOM").status == 403
    client.delete_distribution(Id=id, IfMatch=changed["ETag"])
