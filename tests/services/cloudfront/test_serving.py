"""What viewers get: distributions in front of buckets and of servers."""

from __future__ import annotations

import gzip
import http.client
import http.server
import json
import threading
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest

Config = Callable[..., dict[str, Any]]
View = Callable[..., Any]
DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
ALL_VIEWER_BUT_HOST = "b689b0a8-53d0-40ab-baf2-68738e2966ac"


@pytest.fixture
def bucket(kumoi: Any) -> str:
    name = f"site-{kumoi.account}"
    client = kumoi.client("s3")
    client.create_bucket(Bucket=name)
    pages = {
        "index.html": b"<h1>home</h1>",
        "error.html": b"<h1>lost</h1>",
        "long.txt": b"words " * 1000,
        "sub/page.html": b"sub",
    }
    for key, body in pages.items():
        kind = "text/plain" if key.endswith("txt") else "text/html"
        client.put_object(Bucket=name, Key=key, Body=body, ContentType=kind)
    return name


def domain_of(bucket: str) -> str:
    return f"{bucket}.s3.us-east-1.amazonaws.com"


def create(kumoi: Any, given: dict[str, Any]) -> str:
    return str(kumoi.client("cloudfront").create_distribution(DistributionConfig=given)["Distribution"]["DomainName"])


class Origin:
    """A web server outside of the platform: it answers as `answer` says, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        self.answer: Callable[[str], tuple[int, dict[str, str], bytes]] = lambda _path: (200, {}, b"ok")
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                super().handle_one_request()

            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", "0")))
                outer.asked.append((self.command, self.path, dict(self.headers.items()), body))
                status, headers, content = outer.answer(self.path)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)

            do_POST = do_HEAD = do_PUT = do_OPTIONS = do_GET  # noqa: N815

            def log_message(self, *_args: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def origin() -> Iterator[Origin]:
    one = Origin()
    yield one
    one.server.shutdown()
    one.server.server_close()


def custom(port: int, **members: Any) -> dict[str, Any]:
    return {
        "Quantity": 1,
        "Items": [
            {
                "Id": "one",
                "DomainName": "localhost",
                "CustomOriginConfig": {"HTTPPort": port, "HTTPSPort": 443, "OriginProtocolPolicy": "http-only"},
                **members,
            }
        ],
    }


def test_a_bucket_behind_a_distribution(kumoi: Any, config: Config, view: View, bucket: str) -> None:
    domain = create(kumoi, config(domain_of(bucket), DefaultRootObject="index.html"))
    first = view(domain)
    assert (first.status, first.body) == (200, b"<h1>home</h1>")
    assert first.headers["x-cache"] == "Miss from cloudfront"
    assert first.headers["x-amz-cf-pop"] == "IAD89-P1"
    assert first.headers["server"] == "AmazonS3"
    assert "(CloudFront)" in first.headers["via"]
    assert "age" not in first.headers
    second = view(domain)
    assert second.headers["x-cache"] == "Hit from cloudfront"
    assert second.headers["age"] == "0"
    assert second.headers["x-amz-cf-id"] != first.headers["x-amz-cf-id"]
    assert view(domain, x_kumoi_pop="NRT").headers["x-cache"] == "Miss from cloudfront"
    local = view(domain.replace("cloudfront.net", "cloudfront.localhost:4566"))
    assert local.headers["x-cache"] == "Hit from cloudfront"
    head = view(domain, method="HEAD")
    assert (head.status, head.headers["content-length"]) == (200, "13")


def test_an_invalidation_has_objects_fetched_anew(kumoi: Any, config: Config, view: View, bucket: str) -> None:
    client = kumoi.client("cloudfront")
    made = client.create_distribution(DistributionConfig=config(domain_of(bucket)))["Distribution"]
    domain = made["DomainName"]
    view(domain, "/index.html")
    view(domain, "/sub/page.html")
    kumoi.client("s3").put_object(Bucket=bucket, Key="index.html", Body=b"new", ContentType="text/html")
    assert view(domain, "/index.html").body == b"<h1>home</h1>"
    batch = {"Paths": {"Quantity": 1, "Items": ["/ind*"]}, "CallerReference": "1"}
    client.create_invalidation(DistributionId=made["Id"], InvalidationBatch=batch)
    changed = view(domain, "/index.html")
    assert (changed.body, changed.headers["x-cache"]) == (b"new", "Miss from cloudfront")
    assert view(domain, "/index.html").headers["x-cache"] == "Hit from cloudfront"
    assert view(domain, "/sub/page.html").headers["x-cache"] == "Hit from cloudfront"


def test_conditions_ranges_and_compression(kumoi: Any, config: Config, view: View, bucket: str) -> None:
    domain = create(kumoi, config(domain_of(bucket), behaviour={"Compress": True}))
    plain = view(domain, "/long.txt")
    assert len(plain.body) == 6000
    etag = plain.headers["etag"]
    assert view(domain, "/long.txt", If_None_Match=etag).status == 304
    part = view(domain, "/long.txt", Range="bytes=6-10")
    assert (part.status, part.body, part.headers["content-range"]) == (206, b"words", "bytes 6-10/6000")
    assert view(domain, "/long.txt", Range="bytes=6000-").status == 416
    small = view(domain, "/long.txt", Accept_Encoding="gzip, deflate")
    assert small.headers["content-encoding"] == "gzip"
    assert gzip.decompress(small.body) == plain.body
    assert small.headers["etag"] == f"W/{etag}"
    assert view(domain, "/long.txt", Accept_Encoding="gzip").headers["x-cache"] == "Hit from cloudfront"
    assert view(domain, "/long.txt", Accept_Encoding="br, gzip").headers["content-encoding"] == "br"


def test_a_single_page_application(kumoi: Any, config: Config, view: View, bucket: str) -> None:
    errors = [
        {"ErrorCode": 403, "ResponsePagePath": "/index.html", "ResponseCode": "200", "ErrorCachingMinTTL": 5},
        {"ErrorCode": 404, "ResponsePagePath": "/index.html", "ResponseCode": "200", "ErrorCachingMinTTL": 5},
    ]
    domain = create(kumoi, config(domain_of(bucket), CustomErrorResponses={"Quantity": 2, "Items": errors}))
    answer = view(domain, "/deep/link")
    assert (answer.status, answer.body) == (200, b"<h1>home</h1>")
    assert answer.headers["x-cache"] == "Error from cloudfront"


def test_what_is_not_there(kumoi: Any, config: Config, view: View, bucket: str) -> None:
    domain = create(kumoi, config(domain_of(bucket)))
    missing = view(domain, "/nothing")
    assert missing.status == 403  # S3 tells nobody who may not list the bucket that a key is missing
    assert b"<Code>AccessDenied</Code>" in missing.body
    assert missing.headers["x-cache"] == "Error from cloudfront"
    nowhere = view("d0000000000000.cloudfront.net")
    assert (nowhere.status, nowhere.headers["server"]) == (403, "CloudFront")
    assert b"The request could not be satisfied" in nowhere.body
    refused = view(domain, "/index.html", method="POST", body=b"x")
    assert refused.status == 403
    assert b"not configured to allow the HTTP request method" in refused.body


def test_an_origin_outside_gets_what_policies_choose(kumoi: Any, config: Config, view: View, origin: Origin) -> None:
    given = config(
        Origins=custom(
            origin.port,
            OriginPath="/base",
            CustomHeaders={"Quantity": 1, "Items": [{"HeaderName": "X-Secret", "HeaderValue": "s"}]},
        ),
    )
    domain = create(kumoi, given)
    answer = view(domain, "/a%20b?q=1", User_Agent="Mozilla", Cookie="a=b", X_Own="1", Accept="*/*")
    assert answer.status == 200
    method, path, headers, _ = origin.asked[0]
    assert (method, path) == ("GET", "/base/a%20b")
    assert headers["User-Agent"] == "Amazon CloudFront"
    assert headers["X-Secret"] == "s"
    assert headers["Host"] == "localhost"
    assert headers["X-Forwarded-For"] == "127.0.0.1"
    assert headers["X-Amz-Cf-Id"] == answer.headers["x-amz-cf-id"]
    assert not {"Cookie", "X-Own", "Accept"} & headers.keys()


def test_a_behaviour_that_forwards_everything(kumoi: Any, config: Config, view: View, origin: Origin) -> None:
    methods = ["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"]
    behaviour = {
        "CachePolicyId": DISABLED,
        "OriginRequestPolicyId": ALL_VIEWER_BUT_HOST,
        "AllowedMethods": {
            "Quantity": 7,
            "Items": methods,
            "CachedMethods": {"Quantity": 2, "Items": ["GET", "HEAD"]},
        },
    }
    domain = create(kumoi, config(Origins=custom(origin.port), behaviour=behaviour))
    view(domain, "/x?b=2&a=1", method="POST", body=b"content", X_Own="1", Cookie="a=b", Authorization="Bearer t")
    method, path, headers, body = origin.asked[0]
    assert (method, path, body) == ("POST", "/x?b=2&a=1", b"content")
    assert headers["X-Own"] == "1"
    assert headers["Cookie"] == "a=b"
    assert headers["Authorization"] == "Bearer t"
    assert headers["Host"] == "localhost"
    for _ in range(2):
        assert view(domain, "/x").headers["x-cache"] == "Miss from cloudfront"
    assert len(origin.asked) == 3


def test_failing_over_to_the_second_origin(kumoi: Any, config: Config, view: View, bucket: str, origin: Origin) -> None:
    origin.answer = lambda _path: (500, {}, b"broken")
    origins = custom(origin.port)["Items"]
    origins.append(
        {"Id": "two", "DomainName": domain_of(bucket), "S3OriginConfig": {"OriginAccessIdentity": ""}},
    )
    group = {
        "Id": "group",
        "FailoverCriteria": {"StatusCodes": {"Quantity": 2, "Items": [500, 503]}},
        "Members": {"Quantity": 2, "Items": [{"OriginId": "one"}, {"OriginId": "two"}]},
    }
    given = config(
        Origins={"Quantity": 2, "Items": origins},
        OriginGroups={"Quantity": 1, "Items": [group]},
        behaviour={"TargetOriginId": "group"},
    )
    domain = create(kumoi, given)
    assert view(domain, "/index.html").body == b"<h1>home</h1>"
    assert len(origin.asked) == 1
    origin.server.shutdown()
    origin.server.server_close()
    assert view(domain, "/sub/page.html").body == b"sub"


def test_a_location_that_is_out(kumoi: Any, config: Config, view: View, bucket: str) -> None:
    domain = create(kumoi, config(domain_of(bucket)))

    def fault(method: str, **given: Any) -> None:
        body = json.dumps({"point": "edge", "account": kumoi.account, **given}).encode() if given else None
        path = "/_kumoi/faults" if given else "/_kumoi/faults?id=edge"
        urllib.request.urlopen(urllib.request.Request(kumoi.url + path, body, method=method), timeout=60).close()

    def answered(location: str) -> tuple[int, str]:
        answer = view(domain, "/index.html", x_kumoi_pop=location)
        return answer.status, answer.headers["x-amz-cf-pop"][:3]

    assert answered("NRT") == (200, "NRT")
    fault("POST", id="edge", action="out", resource="*:NRT*")
    assert (answered("NRT"), answered("FRA")) == ((200, "KIX"), (200, "FRA"))
    fault("POST", id="edge", action="out", resource="*:[NK][RI][TX]*")
    assert answered("KIX") == (200, "SIN")
    fault("POST", id="edge", action="fail", error="unavailable", resource="*:FRA*")
    assert (answered("FRA"), answered("NRT")) == ((503, "FRA"), (200, "NRT"))
    fault("POST", id="edge", action="out")
    with pytest.raises((ConnectionResetError, http.client.RemoteDisconnected)):
        answered("NRT")
    fault("DELETE")
    assert answered("NRT") == (200, "NRT")


def test_an_origin_that_is_not_there(kumoi: Any, config: Config, view: View, origin: Origin) -> None:
    domain = create(kumoi, config(Origins=custom(origin.port)))
    origin.server.shutdown()
    origin.server.server_close()
    answer = view(domain)
    assert answer.status == 502
    assert b"wasn't able to connect to the origin" in answer.body
    assert "localhost" in answer.headers["x-kumoi-edge-error"]


def test_redirects_to_https_do_not_loop(kumoi: Any, config: Config, view: View, bucket: str) -> None:
    domain = create(kumoi, config(domain_of(bucket), behaviour={"ViewerProtocolPolicy": "redirect-to-https"}))
    assert view(domain, "/index.html").status == 200
    redirected = view(domain, "/index.html?a=1", X_Forwarded_Proto="http")
    assert (redirected.status, redirected.headers["location"]) == (301, f"https://{domain}/index.html?a=1")
    assert redirected.headers["x-cache"] == "Redirect from cloudfront"


def test_a_distribution_that_is_its_own_origin_answers_an_error(kumoi: Any, config: Config, view: View) -> None:
    client = kumoi.client("cloudfront")
    domain = create(kumoi, config())
    [one] = client.list_distributions()["DistributionList"]["Items"]
    got = client.get_distribution_config(Id=one["Id"])
    settings = {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only"}
    origins = {"Quantity": 1, "Items": [{"Id": "one", "DomainName": domain, "CustomOriginConfig": settings}]}
    given = {**got["DistributionConfig"], "Origins": origins}
    client.update_distribution(Id=one["Id"], IfMatch=got["ETag"], DistributionConfig=given)
    answer = view(domain)
    assert (answer.status, "a loop?" in answer.headers["x-kumoi-edge-error"]) == (403, True)


def test_aliases_and_other_ways_to_a_distribution(kumoi: Any, config: Config, view: View, bucket: str) -> None:
    names = [f"www.{bucket}.example.com", f"*.{bucket}.example.org"]
    given = config(domain_of(bucket), Aliases={"Quantity": 2, "Items": names})
    made = kumoi.client("cloudfront").create_distribution(DistributionConfig=given)["Distribution"]
    assert view(names[0], "/index.html").body == b"<h1>home</h1>"
    assert view(f"a.b.{bucket}.example.org", "/index.html").headers["x-cache"] == "Hit from cloudfront"
    by_path = view("127.0.0.1", f"/_kumoi/cloudfront/{made['Id']}/index.html")
    assert by_path.headers["x-cache"] == "Hit from cloudfront"
    disabled = kumoi.client("cloudfront").get_distribution_config(Id=made["Id"])
    disabled["DistributionConfig"]["Enabled"] = False
    kumoi.client("cloudfront").update_distribution(
        Id=made["Id"], IfMatch=disabled["ETag"], DistributionConfig=disabled["DistributionConfig"]
    )
    assert view(names[0], "/index.html").status == 403


def test_countries(kumoi: Any, config: Config, view: View, bucket: str) -> None:
    restriction = {"GeoRestriction": {"RestrictionType": "blacklist", "Quantity": 1, "Items": ["JP"]}}
    domain = create(kumoi, config(domain_of(bucket), Restrictions=restriction))
    assert view(domain, "/index.html").status == 200
    assert view(domain, "/index.html", x_kumoi_viewer_country="JP").status == 403
    assert view(domain, "/index.html", x_kumoi_pop="NRT").status == 403


def test_a_large_object_passes_through(kumoi: Any, config: Config, view: View, bucket: str) -> None:
    content = bytes(range(256)) * 4096 * 9
    kumoi.client("s3").put_object(Bucket=bucket, Key="film.mp4", Body=content)
    domain = create(kumoi, config(domain_of(bucket)))
    whole = view(domain, "/film.mp4")
    assert whole.body == content
    part = view(domain, "/film.mp4", Range="bytes=256-259")
    assert (part.status, part.body) == (206, b"\x00\x01\x02\x03")
    assert part.headers["content-range"] == f"bytes 256-259/{len(content)}"
    assert view(domain, "/film.mp4", If_None_Match=whole.headers["etag"]).status == 304


def test_origins_on_this_platform(kumoi: Any, config: Config, view: View, bucket: str, zipped: Any) -> None:
    functions, s3 = kumoi.client("lambda"), kumoi.client("s3")
    code = "def handler(e, c):\n    return {'statusCode': 200, 'body': e['rawPath'] + '?' + e['rawQueryString']}\n"
    functions.create_function(
        FunctionName="f",
        Runtime="python3.12",
        Handler="a.handler",
        Role="arn:aws:iam::000000000000:role/r",
        Code={"ZipFile": zipped({"a.py": code})},
    )
    url = functions.create_function_url_config(FunctionName="f", AuthType="AWS_IAM")["FunctionUrl"]
    id = url.split("//")[1].split(".")[0] if ".lambda-url." in url else url.rstrip("/").rpartition("/")[2]
    control = kumoi.client("cloudfront").create_origin_access_control(
        OriginAccessControlConfig={
            "Name": "c",
            "SigningProtocol": "sigv4",
            "SigningBehavior": "always",
            "OriginAccessControlOriginType": "lambda",
        }
    )["OriginAccessControl"]["Id"]
    settings = {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only"}
    origin = {"Id": "one", "DomainName": f"{id}.lambda-url.us-east-1.on.aws", "CustomOriginConfig": settings}
    behaviour = {"CachePolicyId": DISABLED, "OriginRequestPolicyId": ALL_VIEWER_BUT_HOST}
    signed = {"Quantity": 1, "Items": [{**origin, "OriginAccessControlId": control}]}
    assert view(create(kumoi, config(Origins=signed, behaviour=behaviour)), "/a/b?c=d").body == b"/a/b?c=d"
    unsigned = {"Quantity": 1, "Items": [origin]}
    assert view(create(kumoi, config(Origins=unsigned, behaviour=behaviour)), "/a").status == 403

    s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration={"IndexDocument": {"Suffix": "page.html"}})
    site = {**origin, "DomainName": f"{bucket}.s3-website-us-east-1.amazonaws.com"}
    domain = create(kumoi, config(Origins={"Quantity": 1, "Items": [site]}))
    assert view(domain, "/sub/").body == b"sub"


def test_what_the_edge_knows_of_a_viewer(kumoi: Any, config: Config, view: View, origin: Origin) -> None:
    wanted = ["CloudFront-Viewer-Country", "CloudFront-Is-Mobile-Viewer"]
    policy = kumoi.client("cloudfront").create_cache_policy(
        CachePolicyConfig={
            "Name": "by-country",
            "MinTTL": 1,
            "ParametersInCacheKeyAndForwardedToOrigin": {
                "EnableAcceptEncodingGzip": False,
                "HeadersConfig": {"HeaderBehavior": "whitelist", "Headers": {"Quantity": 2, "Items": wanted}},
                "CookiesConfig": {"CookieBehavior": "none"},
                "QueryStringsConfig": {"QueryStringBehavior": "none"},
            },
        }
    )["CachePolicy"]["Id"]
    domain = create(kumoi, config(Origins=custom(origin.port), behaviour={"CachePolicyId": policy}))
    view(domain)
    assert [origin.asked[0][2][name] for name in wanted] == ["US", "false"]
    assert view(domain, CloudFront_Viewer_Country="XX").headers["x-cache"] == "Hit from cloudfront"
    view(domain, x_kumoi_viewer_country="DE", User_Agent="Mozilla/5.0 (iPhone)")
    assert [origin.asked[1][2][name] for name in wanted] == ["DE", "true"]
    assert len(origin.asked) == 2


def test_websockets_pass_through(kumoi: Any, config: Config) -> None:
    from websockets.exceptions import InvalidStatus
    from websockets.sync.client import connect
    from websockets.sync.server import ServerConnection, serve

    def echo(connection: ServerConnection) -> None:
        for message in connection:
            told = message if isinstance(message, bytes) else f"{connection.request.path} {message}"
            connection.send(told)

    with serve(echo, "127.0.0.1", 0, subprotocols=["chat"]) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            port = server.socket.getsockname()[1]
            behaviour = {"CachePolicyId": DISABLED, "OriginRequestPolicyId": ALL_VIEWER_BUT_HOST}
            domain = create(kumoi, config(Origins=custom(port, OriginPath="/ws"), behaviour=behaviour))
            address = f"ws{kumoi.url.removeprefix('http')}/_kumoi/cloudfront/{domain.partition('.')[0]}"
            with connect(f"{address}/room?a=1", subprotocols=["chat"], open_timeout=60) as socket:  # type: ignore[list-item]
                assert socket.subprotocol == "chat"
                assert socket.response.headers["X-Cache"] == "Miss from cloudfront"
                socket.send("hello")
                assert socket.recv(timeout=60) == "/ws/room?a=1 hello"
                socket.send(b"\x00\x01")
                assert socket.recv(timeout=60) == b"\x00\x01"
        finally:
            server.shutdown()
            thread.join()
    with pytest.raises(InvalidStatus, match="502"):
        connect(f"{address}/room", open_timeout=60)
