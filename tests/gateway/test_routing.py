"""Which service a request is for: every rule, in its order, and the clashes between them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kumoi.gateway.routing import Router
from kumoi.gateway.target import Target
from kumoi.wire.http import Headers, Request

URL_ID = "a1b2c3d4e5f6g7h8i9j0a1b2c3d4e5f6"
FORM = ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")


def signed(name: str, region: str = "eu-west-1", key: str = "AKID") -> tuple[str, str]:
    scope = f"{key}/20260101/{region}/{name}/aws4_request"
    return ("Authorization", f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature={'0' * 64}")


def request(line: str, *headers: tuple[str, str], host: str = "localhost:4566") -> Request:
    method, _, target = line.partition(" ")
    path, _, query = target.partition("?")
    return Request(method, path, query, Headers([("Host", host), *headers]))


def resolve(line: str, *headers: tuple[str, str], host: str = "localhost:4566", form: bytes | None = None) -> Target:
    return Router().resolve(request(line, *headers, host=host), form)


def shown(target: Target) -> str:
    return f"{target.kind} {target.service}" + (f" {target.path}" if target.path is not None else "")


# -- rule 0: Kumoi's own paths --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("GET /_kumoi/health", "internal kumoi"),
        ("POST /_kumoi/reset?account=1", "internal kumoi"),
        ("GET /_kumoi/lambda-code/x", "internal kumoi"),
        ("GET /_kumoi/execute-api/abc/prod/pets", "data-plane execute-api /prod/pets"),
        ("GET /_kumoi/execute-api/abc", "data-plane execute-api /"),
        ("GET /_kumoi/lambda-url/abc/a%2Fb", "data-plane lambda-url /a%2Fb"),
        ("GET /_kumoi/cloudfront/d1/index.html", "data-plane cloudfront-edge /index.html"),
        ("POST /_kumoi/appsync-api/abc/graphql", "data-plane appsync-api /graphql"),
        ("POST /graphql/abcdefghijklmnopqrstuvwxyz", "data-plane appsync-api /graphql"),
        ("POST /event/abcdefghijklmnopqrstuvwxyz", "data-plane appsync-api /event"),
        ("POST /event/mine", "data-plane appsync-api /event"),
        ("GET /_kumoi/appsync-realtime/abc/graphql", "data-plane appsync-realtime /graphql"),
        ("GET /_kumoi/s3-website/www/", "data-plane s3-website /"),
        ("POST /_kumoi/execute-api/abc/prod/@connections/c=", "api apigatewaymanagementapi /@connections/c="),
    ],
)
def test_own_paths(line: str, expected: str) -> None:
    assert shown(resolve(line)) == expected
    assert shown(resolve(line, signed("sqs"), host="b.s3.localhost")) == expected


def test_a_path_form_says_what_the_host_would() -> None:
    assert resolve("GET /_kumoi/execute-api/abc/prod/x").attributes == {"id": "abc"}
    assert resolve("GET /_kumoi/s3-website/www/").attributes == {"bucket": "www"}
    assert resolve("POST /_kumoi/execute-api/abc/prod/@connections/c").attributes == {"id": "abc", "stage": "prod"}


# -- rule 1: host names of data planes, before any scope ------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "headers", "expected"),
    [
        ("abc.execute-api.eu-west-1.localhost:4566", (), "data-plane execute-api"),
        ("abc.execute-api.eu-west-1.localhost:4566", (signed("execute-api"),), "data-plane execute-api"),
        (f"{URL_ID}.lambda-url.eu-west-1.on.aws", (signed("lambda"),), "data-plane lambda-url"),
        ("abc.appsync-api.eu-west-1.amazonaws.com", (signed("appsync"),), "data-plane appsync-api"),
        ("abc.appsync-realtime-api.eu-west-1.amazonaws.com", (), "data-plane appsync-realtime"),
        ("d1.cloudfront.net", (signed("s3"),), "data-plane cloudfront-edge"),
        ("www.s3-website.eu-west-1.localhost", (), "data-plane s3-website"),
        ("lb-1.eu-west-1.elb.amazonaws.com", (("X-Amz-Target", "AmazonSQS.SendMessage"),), "data-plane elb"),
        ("pool.auth.eu-west-1.amazoncognito.com", (), "data-plane cognito-hosted-ui"),
        ("c1.credentials.iot.eu-west-1.amazonaws.com", (), "data-plane iot-credentials"),
    ],
)
def test_host_names_of_data_planes(host: str, headers: tuple[tuple[str, str], ...], expected: str) -> None:
    target = resolve("POST /some/path?Action=x&Version=2010-05-08", *headers, host=host)
    assert shown(target) == expected
    assert target.region == ("us-east-1" if host == "d1.cloudfront.net" and not headers else "eu-west-1")
    assert target.attributes["host"] == host.partition(":")[0]


def test_connections_of_a_websocket_api() -> None:
    host = "abc.execute-api.eu-west-1.localhost:4566"
    target = resolve("POST /prod/@connections/L0SM9cOFvHcCIhw%3D", signed("execute-api"), host=host)
    assert shown(target) == "api apigatewaymanagementapi /@connections/L0SM9cOFvHcCIhw%3D"
    assert (target.attributes["id"], target.attributes["stage"], target.region) == ("abc", "prod", "eu-west-1")
    assert shown(resolve("GET /@connections/c", signed("execute-api"))) == "api apigatewaymanagementapi /@connections/c"
    assert resolve("GET /prod/@connections/c", signed("execute-api")).attributes == {"stage": "prod"}


def test_registered_host_names() -> None:
    router = Router()
    aliased = Target("data-plane", "cloudfront-edge", "us-east-1", attributes={"id": "d1"})
    incoming = request("GET /", signed("s3"), host="WWW.example.com:4566")
    assert router.resolve(incoming).service == "s3"
    router.hosts.register("www.Example.com", aliased)
    found = router.resolve(incoming)
    assert (shown(found), found.attributes, found.access_key) == ("data-plane cloudfront-edge", {"id": "d1"}, "AKID")
    router.hosts.release("www.example.com")
    router.hosts.release("never.example.com")
    assert router.resolve(incoming).service == "s3"


def test_names_that_records_lead_on_from() -> None:
    router = Router()
    elb = "b-1.us-east-1.elb.amazonaws.com"
    incoming = request("GET /", host="www.example.com:4566")
    assert router.resolve(incoming).service == "s3"
    router.hosts.point("app.example.com", elb)
    router.hosts.point("*.example.com", "app.example.com")
    found = router.resolve(incoming)
    assert (shown(found), found.attributes["id"]) == ("data-plane elb", "b-1")
    assert router.hosts.is_here("any.example.com")
    router.hosts.register("www.example.com", Target("data-plane", "cloudfront-edge", "us-east-1"))
    assert router.resolve(incoming).service == "cloudfront-edge"
    router.hosts.release("www.example.com")
    router.hosts.point("*.example.com", None)
    assert router.resolve(incoming).service == "s3"
    router.hosts.point("a.example.com", "b.example.com")
    router.hosts.point("b.example.com", "a.example.com")
    assert not router.hosts.is_here("a.example.com")


@pytest.mark.parametrize("host", ["127.0.0.1:4566", "localhost:4566", "sqs.us-east-1.localhost", "b.s3.amazonaws.com"])
def test_records_take_no_name_of_the_platform_s_own(host: str) -> None:
    router = Router()
    before = router.resolve(request("GET /", signed("sqs"), host=host))
    router.hosts.point(host.partition(":")[0], "b-1.us-east-1.elb.amazonaws.com")
    assert router.resolve(request("GET /", signed("sqs"), host=host)) == before


@pytest.mark.parametrize(
    ("host", "taken"),
    [
        ("www.example.com", True),
        ("shop.localhost:4566", True),
        ("localhost:4566", False),
        ("s3.us-east-1.amazonaws.com", False),
        ("orders.s3.amazonaws.com", False),
        ("d111111abcdef8.cloudfront.net", False),
    ],
)
def test_names_of_aws_and_the_platforms_own_are_not_taken_over(host: str, taken: bool) -> None:
    router = Router()
    router.hosts.register(
        host.partition(":")[0], Target("data-plane", "cloudfront-edge", "us-east-1", attributes={"alias": "x"})
    )
    found = router.resolve(Request("GET", "/", headers=Headers([("Host", host)])))
    assert (found.attributes.get("alias") == "x") is taken


# -- rules 2 and 3: rpc-v2-cbor, X-Amz-Target -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "headers", "expected"),
    [
        (
            "POST /service/GraniteServiceVersion20100801/operation/PutMetricData",
            (("smithy-protocol", "rpc-v2-cbor"), signed("sqs")),
            "cloudwatch",
        ),
        ("POST /service/AWSEventsV2/operation/PutEvents", (("smithy-protocol", "rpc-v2-cbor"),), "AWSEventsV2"),
        ("POST /service/bucket/operation/key", (), "s3"),
        ("POST /", (("X-Amz-Target", "DynamoDB_20120810.PutItem"), signed("dynamodb")), "dynamodb"),
        ("POST /", (("X-Amz-Target", "DynamoDBStreams_20120810.GetRecords"), signed("dynamodb")), "dynamodbstreams"),
        ("POST /", (("X-Amz-Target", "AWSCognitoIdentityProviderService.SignUp"),), "cognito-idp"),
        ("POST /", (("X-Amz-Target", "AWSStepFunctions.StartExecution"), signed("states")), "stepfunctions"),
        ("POST /", (("X-Amz-Target", "AWSEvents.PutEvents"), signed("events")), "events"),
        ("POST /", (("X-Amz-Target", "Logs_20140328.PutLogEvents"),), "logs"),
        ("POST /", (("X-Amz-Target", "Unknown_2020.Op"), signed("unknown")), "Unknown_2020"),
        ("POST /", (("X-Amz-Target", "nonsense"),), "nonsense"),
    ],
)
def test_targets(line: str, headers: tuple[tuple[str, str], ...], expected: str) -> None:
    assert shown(resolve(line, *headers)) == f"api {expected}"


# -- rule 4: the SigV4 scope ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "name", "expected"),
    [
        ("POST /2015-03-31/functions", "lambda", "lambda"),
        ("GET /restapis", "apigateway", "apigateway"),
        ("GET /v2/apis/abc", "apigateway", "apigatewayv2"),
        ("GET /v2/tags/arn", "apigateway", "apigatewayv2"),
        ("POST /2015-01-01/es/domain", "es", "es"),
        ("POST /2021-01-01/opensearch/domain", "es", "opensearch"),
        ("POST /", "ses", "ses"),
        ("POST /v2/email/outbound-emails", "ses", "sesv2"),
        ("GET /2020-05-31/distribution", "cloudfront", "cloudfront"),
        ("GET /key-value-stores/arn", "cloudfront-keyvaluestore", "cloudfront-keyvaluestore"),
        ("POST /topics/a", "iotdata", "iot-data"),
        ("GET /things", "iot", "iot"),
        ("GET /channels", "iotanalytics", "iotanalytics"),
        ("POST /", "monitoring", "cloudwatch"),
        ("POST /", "states", "stepfunctions"),
        ("POST /", "dynamodb", "dynamodb"),
        ("POST /v1/apis", "appsync", "appsync"),
        ("POST /TraceSegments", "xray", "xray"),
        ("GET /b/k", "s3", "s3"),
        ("GET /v20180820/k", "s3", "s3"),
        ("POST /", "quantum", "quantum"),
    ],
)
def test_scopes(line: str, name: str, expected: str) -> None:
    target = resolve(line, signed(name))
    assert shown(target) == f"api {expected}"
    assert (target.region, target.access_key) == ("eu-west-1", "AKID")


def test_a_browsers_question_for_a_page_that_names_its_operation_by_target() -> None:
    asked = ("Access-Control-Request-Headers", "content-type,X-Amz-Target")
    assert shown(resolve("OPTIONS /", asked)) == "data-plane cognito-preflight"
    assert shown(resolve("OPTIONS /bucket/key", asked)) == "data-plane s3-preflight"
    assert shown(resolve("OPTIONS /", ("Access-Control-Request-Headers", "content-type"))) == "data-plane s3-preflight"


def test_s3_control_is_known_by_its_account_header() -> None:
    target = resolve("GET /v20180820/jobs", signed("s3"), ("x-amz-account-id", "123456789012"))
    assert target.service == "s3control"


def test_a_presigned_query_has_a_scope_too() -> None:
    query = (
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=123456789012%2F20260101%2Fap-south-1%2Fsts%2Faws4_request"
    )
    target = resolve(f"GET /?Action=GetCallerIdentity&Version=2011-06-15&{query}&X-Amz-Signature=0")
    assert (target.service, target.region, target.access_key) == ("sts", "ap-south-1", "123456789012")


def test_sigv4a_has_no_region() -> None:
    header = "AWS4-ECDSA-P256-SHA256 Credential=AKID/20260101/events/aws4_request, SignedHeaders=host, Signature=30"
    found = resolve("POST /", ("Authorization", header))
    assert (found.kind, found.service, found.region) == ("api", "events", "us-east-1")


@pytest.mark.parametrize(
    ("region", "host", "expected"),
    [
        ("eu-west-1", "sqs.us-west-2.amazonaws.com", "eu-west-1"),
        ("*", "sqs.us-west-2.amazonaws.com", "us-west-2"),
        ("", "localhost", "ca-central-1"),
    ],
)
def test_the_region_is_the_scopes_then_the_hosts_then_the_default(region: str, host: str, expected: str) -> None:
    found = Router(default_region="ca-central-1").resolve(request("POST /", signed("sqs", region), host=host))
    assert found.region == expected


# -- rule 5: Action and Version -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("2011-06-15", "sts"),
        ("2010-05-08", "iam"),
        ("2010-03-31", "sns"),
        ("2012-11-05", "sqs"),
        ("2010-05-15", "cloudformation"),
        ("2016-11-15", "ec2"),
        ("2015-12-01", "elbv2"),
        ("2012-06-01", "elb"),
        ("2014-10-31", "rds"),
        ("2010-08-01", "cloudwatch"),
        ("2010-12-01", "ses"),
        ("1999-01-01", "1999-01-01"),
    ],
)
def test_versions(version: str, expected: str) -> None:
    form = f"Action=DoIt&Name=a%26Version%3D1&Version={version}".encode()
    assert shown(resolve("POST /", FORM, form=form)) == f"api {expected}"
    assert shown(resolve(f"GET /?Version={version}&Action=DoIt")) == f"api {expected}"


@pytest.mark.parametrize(("version", "expected"), [("2012-06-01", "elb"), ("2015-12-01", "elbv2"), ("", "elbv2")])
def test_the_version_tells_services_of_one_scope_apart(version: str, expected: str) -> None:
    form = f"Action=DescribeLoadBalancers&Version={version}".encode()
    assert resolve("POST /", FORM, signed("elasticloadbalancing"), form=form).service == expected


def test_an_action_without_a_version_on_a_queue_is_sqs() -> None:
    assert resolve("POST /123456789012/jobs", FORM, form=b"Action=SendMessage&MessageBody=a").service == "sqs"


def test_an_object_may_be_asked_for_with_a_parameter_called_action() -> None:
    assert resolve("GET /bucket/key?Action=x&Version=2010-05-08").service == "s3"


@pytest.mark.parametrize(
    ("line", "headers", "host", "expected"),
    [
        ("POST /", (FORM,), "localhost", True),
        ("POST /123456789012/jobs", (FORM,), "localhost", True),
        ("POST /", (FORM, signed("elasticloadbalancing")), "localhost", True),
        ("POST /", (FORM, signed("sts")), "localhost", False),
        ("POST /", (FORM, ("X-Amz-Target", "AmazonSQS.SendMessage")), "localhost", False),
        ("POST /", (("Content-Type", "application/json"),), "localhost", False),
        ("POST /", (), "localhost", False),
        ("PUT /", (FORM,), "localhost", False),
        ("POST /bucket/key", (FORM,), "localhost", False),
        ("POST /", (FORM,), f"{URL_ID}.lambda-url.us-east-1.on.aws", False),
        ("POST /", (FORM,), "bucket.s3.localhost", False),
    ],
)
def test_a_form_is_read_only_where_it_decides(
    line: str, headers: tuple[tuple[str, str], ...], host: str, expected: bool
) -> None:
    assert Router().needs_form(request(line, *headers, host=host)) is expected


def test_a_registered_hosts_form_is_not_read() -> None:
    router = Router()
    router.hosts.register("www.example.com", Target("data-plane", "cloudfront-edge", "us-east-1"))
    assert router.needs_form(request("POST /", FORM, host="www.example.com")) is False


# -- rules 6 and 7: endpoints, and paths of callers that do not sign ------------------------------------------------


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("sqs.eu-west-1.amazonaws.com", "sqs"),
        ("monitoring.localhost:4566", "cloudwatch"),
        ("states.eu-west-1.localhost", "stepfunctions"),
        ("elasticloadbalancing.eu-west-1.amazonaws.com", "elbv2"),
        ("apigateway.eu-west-1.amazonaws.com", "apigateway"),
        ("email.eu-west-1.amazonaws.com", "ses"),
        ("x-ats.iot.eu-west-1.amazonaws.com", "iot-data"),
        ("nonsense.eu-west-1.amazonaws.com", "s3"),
    ],
)
def test_endpoints(host: str, expected: str) -> None:
    assert shown(resolve("POST /some/path", host=host)) == f"api {expected}"


@pytest.mark.parametrize(
    ("line", "headers", "expected"),
    [
        ("POST /123456789012/jobs", (), "api sqs"),
        ("POST /2015-03-31/functions/f/invocations", (), "api lambda"),
        ("GET /2018-10-31/layers", (), "api lambda"),
        ("GET /2021-10-31/functions/f/url", (), "api lambda"),
        ("GET /2020-05-31/distribution", (), "api cloudfront"),
        ("GET /2013-04-01/hostedzone", (), "api route53"),
        ("POST /TraceSegments", (), "api xray"),
        ("POST /GetSamplingRules", (), "api xray"),
        ("GET /restapis/abc/prod/_user_request_/pets/1", (), "data-plane execute-api /pets/1"),
        ("GET /restapis/abc/prod/_user_request_", (signed("execute-api"),), "data-plane execute-api /"),
        ("POST /graphql", (("x-api-key", "da2-abc"),), "data-plane appsync-api"),
        ("GET /mqtt", (("Upgrade", "websocket"),), "data-plane iot-mqtt"),
        ("GET /mqtt", (("Upgrade", "websocket"), signed("iotdevicegateway")), "data-plane iot-mqtt"),
        ("POST /event", (("x-api-key", "da2-abc"),), "data-plane appsync-api"),
        ("POST /graphql", (), "data-plane s3-post"),
        ("POST /event", (), "data-plane s3-post"),
        ("POST /event/mine", (signed("s3"),), "api s3"),
        ("POST /event/mine/realtime", (), "api s3"),
        ("GET /event/mine", (), "api s3"),
        ("POST /bucket?delete", (), "api s3"),
        ("POST /bucket/key", (), "api s3"),
        ("GET /mqtt", (), "api s3"),
        ("GET /mqtt", (("Upgrade", "h2c"), signed("s3")), "api s3"),
        ("GET /2015-03-31/photo.jpg", (), "api s3"),
        ("GET /restapis/abc", (), "api s3"),
        ("GET /restapis/a/b/_user_request_/c", (signed("s3"),), "api s3"),
    ],
)
def test_paths(line: str, headers: tuple[tuple[str, str], ...], expected: str) -> None:
    assert shown(resolve(line, *headers)) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/graphql/abc", "data-plane appsync-realtime /graphql"),
        ("/graphql/abc/realtime", "data-plane appsync-realtime /graphql"),
        ("/graphql/realtime", "data-plane appsync-realtime /graphql"),
        ("/event/abc/realtime", "data-plane appsync-realtime /event"),
        ("/event/realtime", "data-plane appsync-realtime /event"),
        ("/events/abc", "api s3"),
    ],
)
def test_websockets_of_graphql_and_events(path: str, expected: str) -> None:
    handshake = request(f"GET {path}", ("Upgrade", "websocket"))
    handshake.websocket = True
    assert shown(Router().resolve(handshake, None)) == expected


def test_a_rest_apis_stage_is_in_its_path() -> None:
    assert resolve("GET /restapis/abc/prod/_user_request_/x").attributes == {"id": "abc", "stage": "prod"}


# -- rules 8 to 10: S3 ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "headers", "host", "path"),
    [
        ("GET /k", (), "photos.s3.localhost:4566", "/photos/k"),
        ("GET /", (), "photos.s3.localhost:4566", "/photos/"),
        (
            "GET /a//b%2Fc/../d",
            (signed("s3"),),
            "my.s3.photos.s3.eu-west-1.amazonaws.com",
            "/my.s3.photos/a//b%2Fc/../d",
        ),
        ("PUT /2015-03-31/functions", (), "photos.s3.localhost", "/photos/2015-03-31/functions"),
        ("GET /123456789012/k", (), "photos.s3.localhost", "/photos/123456789012/k"),
        ("PUT /k", (signed("s3"),), "photos.localhost:4566", "/photos/k"),
        ("GET /k", (), "photos.localhost:4566", "/photos/k"),
        ("GET /k", (signed("s3"),), "lambda.localhost:4566", "/lambda/k"),
        ("GET /", (signed("s3"), ("Accept", "text/html")), "photos.localhost", "/photos/"),
        ("GET /bucket/k", (), "s3.eu-west-1.amazonaws.com", None),
        ("GET /bucket/k", (), "localhost:4566", None),
        ("GET /bucket/k", (("Authorization", "AWS AKID:c2ln"),), "localhost", None),
        ("GET /bucket/k?AWSAccessKeyId=AKID&Signature=c2ln&Expires=1", (), "localhost", None),
        ("GET /", (signed("s3"), ("Accept", "text/html")), "localhost", None),
        ("GET /", (), "localhost", None),
    ],
)
def test_s3(line: str, headers: tuple[tuple[str, str], ...], host: str, path: str | None) -> None:
    target = resolve(line, *headers, host=host)
    assert (target.kind, target.service, target.path) == ("api", "s3", path)


def test_a_form_is_posted_to_a_bucket() -> None:
    form = ("Content-Type", "multipart/form-data; boundary=x")
    assert shown(resolve("POST /bucket", form)) == "data-plane s3-post"
    assert shown(resolve("POST /", form, host="photos.s3.localhost")) == "data-plane s3-post /photos/"


def test_a_bucket_in_the_host_does_not_hide_another_services_scope() -> None:
    assert shown(resolve("POST /", signed("sqs"), host="photos.s3.localhost")) == "api sqs"


def test_a_browser_that_just_looks_gets_kumois_page() -> None:
    page = resolve("GET /", ("Accept", "text/html,application/xhtml+xml"))
    assert shown(page) == "internal kumoi /_kumoi/info"
    assert resolve("GET /", ("Accept", "text/html"), host="kumoi.localhost").kind == "internal"
    assert resolve("GET /", ("Accept", "text/html"), host="photos.s3.localhost").service == "s3"


# -- what is remembered ---------------------------------------------------------------------------------------------

LINES = (
    *("GET /", "POST /", "OPTIONS /", "GET /bucket/k", "PUT /bucket/k", "POST /bucket", "DELETE /bucket/k?versionId=1"),
    *("GET /2015-03-31/functions/f", "POST /2015-03-31/functions/f/invocations", "GET /v2/apis", "GET /restapis/a"),
    *("GET /123456789012/q", "GET /tags", "GET /_kumoi/execute-api/a/b", "POST /graphql/abc", "POST /v1/traces"),
    *("GET /restapis/a/b/_user_request_/c", "GET /pool_1/.well-known/jwks.json", "POST /prod/@connections/c"),
    *("POST /service/GraniteServiceVersion20100801/operation/PutMetricData", "GET /mqtt", "POST /topics/t"),
)
SIGNALS = (
    *((signed(name),) for name in ("s3", "lambda", "sqs", "apigateway", "execute-api", "es", "nothing", "monitoring")),
    (signed("elasticloadbalancing"), FORM),
    (signed("sqs"), ("X-Amz-Target", "AmazonSQS.SendMessage")),
    (signed("dynamodb", key="111122223333"), ("X-Amz-Target", "DynamoDBStreams_20120810.ListStreams")),
    (signed("monitoring"), ("smithy-protocol", "rpc-v2-cbor")),
    (signed("s3", "*"), ("Origin", "https://example.com")),
    (("X-Amz-Target", "AmazonSQS.SendMessage"),),
    (("Authorization", signed("s3")[1].replace("-HMAC-SHA256", "-ECDSA-P256-SHA256")),),
    (("Authorization", f"AWS4-HMAC-SHA256 Signature={'0' * 64}"),),
    (("Authorization", "AWS AKID:c2ln"),),
    (),
)
HOSTS = ("localhost:4566", "b.s3.localhost", "sqs.eu-west-1.amazonaws.com", "a.execute-api.eu-west-1.localhost", "ours")


def test_what_is_remembered_is_what_would_be_resolved() -> None:
    router, recalled = Router(), set()
    router.hosts.register("ours", Target("data-plane", "elb", "us-east-1"))
    for lines in (LINES, LINES[::-1]):
        for line in lines:
            for headers in SIGNALS:
                for host in HOSTS:
                    incoming = request(line, *headers, host=host)
                    target = router.resolve(incoming)
                    known = router.remembered.signed(incoming)
                    if known is not None:
                        credential = target.credential
                        assert credential is not None and credential.signature == "0" * 64
                        assert known == replace(target, credential=credential._replace(signature="")), incoming
                        recalled.add((line, headers, host))
                    router.remembered.remember(incoming, target)
    assert len(recalled) > 150
    assert {(line, SIGNALS[at], HOSTS[0]) for line, at in [("GET /bucket/k", 0), ("GET /tags", 1), ("POST /", 9)]} <= (
        recalled
    )


def test_a_remembered_request_is_forgotten_when_its_host_is_claimed() -> None:
    router, incoming = Router(), request("GET /bucket/k", signed("s3"), host="www.example.com")
    router.remembered.remember(incoming, router.resolve(incoming))
    assert router.remembered.signed(incoming) is not None
    router.hosts.claim("www.example.com", "elb", "us-east-1", {})
    assert router.remembered.signed(incoming) is None
    router.hosts.release("www.example.com")
    assert router.remembered.signed(incoming) is None


UNSIGNED = (
    *((), (("Authorization", "Bearer of.a.token"),), (("Authorization", " AWS AKID:c2ln"),)),
    *((signed("execute-api"),), (("Authorization", "AWS4-HMAC-SHA256 Signature=0"),)),
    *((("X-Amz-Target", "AmazonSQS.SendMessage"),), (("Origin", "https://example.com"),)),
)
QUERIES = (
    "",
    "?a=b",
    "?X-Amz-Credential=AKID/20260101/eu-west-1/execute-api/aws4_request",
    "?AWSAccessKeyId=A&Signature=b",
)


def test_what_a_host_name_alone_says_is_what_would_be_resolved() -> None:
    router, known = Router(), set()
    router.hosts.register("ours", Target("data-plane", "elb", "us-east-1"))
    router.hosts.register("theirs", Target("api", "sqs", "us-east-1"))
    for _ in range(2):
        for line in (*LINES, "GET /_localstack/chaos/faults", "GET /stage/path%2Fof/an/api"):
            for headers in UNSIGNED:
                for query in QUERIES:
                    for host in (*HOSTS, "theirs"):
                        incoming = request(line.partition("?")[0] + query, *headers, host=host)
                        found, target = router.remembered.of_host(incoming), router.resolve(incoming)
                        if found is not None:
                            assert found == target, incoming
                            known.add((line, headers, query, host))
    usual = ("GET /stage/path%2Fof/an/api", UNSIGNED[1], "?a=b", "a.execute-api.eu-west-1.localhost")
    assert usual in known
    assert {host for *_, host in known} == {"a.execute-api.eu-west-1.localhost", "ours"}
    incoming = request("GET /", host="ours")
    router.hosts.release("ours")
    assert router.remembered.of_host(incoming) is None


def test_only_so_much_is_remembered() -> None:
    router = Router()
    for number in range(5_000):
        incoming = request("GET /", signed("sqs", key=f"AKID{number}"))
        router.remembered.remember(incoming, router.resolve(incoming))
    for number in range(5_000):
        router.resolve(request("GET /", host=f"a{number}.execute-api.localhost"))
    assert max(len(router.remembered._signed), len(router.remembered._planes)) < 4_100
    long = request("GET /", signed("sqs", key="A" * 2_000))
    router.remembered.remember(long, router.resolve(long))
    assert router.remembered.signed(long) is None


# -- anything at all ------------------------------------------------------------------------------------------------

FRAGMENT = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["/", "_kumoi", "@connections", "_user_request_", "restapis", "s3", "Action=", "X-Amz-Credential="]
    ),
)
TEXT = st.lists(FRAGMENT, max_size=6).map("".join)
NAMES = st.sampled_from(["Host", "Authorization", "X-Amz-Target", "Content-Type", "smithy-protocol", "Upgrade", "é"])


@given(TEXT, TEXT, TEXT, st.lists(st.tuples(NAMES, TEXT), max_size=5), st.one_of(st.none(), st.binary(max_size=40)))
def test_garbage_never_raises(
    method: str, path: str, query: str, headers: list[tuple[str, str]], form: bytes | None
) -> None:
    router = Router()
    incoming = Request(method, path, query, Headers(headers))
    router.needs_form(incoming)
    assert router.resolve(incoming, form).service
    router.remembered.remember(incoming, router.resolve(incoming, form))
    router.remembered.signed(incoming)
    assert router.remembered.of_host(incoming) in (None, router.resolve(incoming, form))
