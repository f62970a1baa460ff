"""What only a request's path says: data planes beside any host name, path forms of their host names, links, buckets.

`*.localhost` resolves to loopback in browsers and curl, not everywhere: a data plane's host name `{id}.{name}.…` has a
path form `/_kumoi/{name}/{id}/…`, too.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qs

from msgspec.structs import replace

from kumoi.gateway.hosts import HostName
from kumoi.gateway.target import UNSIGNED, Target
from kumoi.wire.credential import Credential, parse_credential
from kumoi.wire.http import Request

INTERNAL = "/_kumoi/"
CONNECTED = "connections/"
"""What is in paths of a WebSocket API's connections."""
_CONNECTING = ("execute-api", "apigatewaymanagementapi")
PLANE_PATHS = (
    "/v1/",
    "/restapis/",
    "/_aws/execute-api/",
    "/_aws/ses",
    "/mqtt",
    "/graphql",
    "/event",
    "/role-aliases/",
    "/SimpleNotificationService-",
)
"""How paths begin that mean a data plane, mostly."""

_PATH_FORM = re.compile(
    r"/_kumoi/(?P<plane>execute-api|lambda-url|appsync-access|appsync-api|appsync-realtime|cloudfront|s3-website|elb"
    r"|cognito-hosted-ui|iot-credentials)/(?P<id>[^/]+)(?P<path>/.*)?"
)
_USER_REQUEST = re.compile(r"/restapis/(?P<id>[^/]+)/(?P<stage>[^/]+)/_user_request_(?P<path>/.*)?")
_EXECUTE_API = re.compile(r"/_aws/execute-api/(?P<id>[^/]+)(?P<path>/.*)?")
_GRAPHQL = re.compile(r"(?P<path>/graphql|/event)/(?P<id>[a-z0-9]{1,32})(?P<realtime>/realtime)?")
_ROLE_ALIAS = re.compile(r"/role-aliases/[^/]+/credentials")
"""What devices ask credentials for with their certificates."""
_CONNECTIONS = re.compile(r"/?(?P<stage>.*)(?P<path>/(?:@|%40)connections/.+)")
_POOL_KEYS = re.compile(
    r"/(?P<id>[a-z0-9-]+_[A-Za-z0-9]{1,55})(?P<path>/\.well-known/(?:jwks\.json|openid-configuration))"
)
_IDENTITY_KEYS = frozenset(("/.well-known/jwks_uri", "/.well-known/openid-configuration"))
_BUCKET = re.compile(r"/[^/]+/*")
_OTLP = frozenset({"/v1/traces", "/v1/logs", "/v1/metrics"})
"""The paths of OpenTelemetry's protocol; no bucket has a name of two characters."""
_LINKED = (["ConfirmSubscription"], ["Unsubscribe"])
"""Actions of SNS that whoever gets a notification may take by visiting a link, which has no Version."""


def own_path(request: Request, default_region: str) -> Target:
    """Paths below `/_kumoi/`: path forms of data planes, and Kumoi's own interface."""
    match = _PATH_FORM.fullmatch(request.path)
    if match is None:
        return Target("internal", "kumoi", default_region)
    credential = parse_credential(request)
    region = (credential.region if credential is not None else "") or default_region
    plane = "cloudfront-edge" if match["plane"] == "cloudfront" else match["plane"]
    attributes = {"bucket" if plane == "s3-website" else "id": match["id"]}
    path = match["path"] or "/"
    return connections(Target("data-plane", plane, region, credential, attributes, path), path)


def by_path(request: Request, region: str, credential: Credential | None) -> Target | None:
    """What a path says where the host name says nothing; None for the paths of services."""
    path, method = request.path, request.method
    if path.startswith(PLANE_PATHS) and (found := _plane(request, region, credential)):
        return found
    if "/.well-known/" in path and (match := _POOL_KEYS.fullmatch(path)):
        return Target("data-plane", "cognito-keys", region, credential, {"id": match["id"]}, match["path"])
    if path in _IDENTITY_KEYS:
        return Target("data-plane", "cognito-identity-keys", region, credential)
    if credential is None and method == "GET" and path in ("/", "") and (link := _sns_link(request, region)):
        return link
    if method == "OPTIONS" and _asks_for_a_page(request):
        return Target("data-plane", "cognito-preflight", region)
    return None


def s3(request: Request, host: HostName, region: str, credential: Credential | None) -> Target:
    """A bucket in the host becomes the first segment of the path; a person who just looks gets Kumoi's own page."""
    if (
        request.path == "/"
        and request.method == "GET"
        and credential is None
        and host.service is None
        and "text/html" in (request.headers.get("accept") or "")
    ):
        return Target("internal", "kumoi", region, path="/_kumoi/info")
    bucket = host.attributes.get("bucket") if host.service == "s3" else host.bucket
    path = None if bucket is None else f"/{bucket}{request.path or '/'}"
    if (plane := _s3_plane(request, path or request.path)) is not None:
        return Target("data-plane", plane, region, credential, host.attributes, path)
    if path is not None:
        return Target("api", "s3", region, credential, host.attributes, path)
    return Target("api", "s3", region, credential)


def connections(target: Target, path: str) -> Target:
    """`{stage}/@connections/{id}` of a WebSocket API is an operation of the management API."""
    if target.service in _CONNECTING and CONNECTED in path and (match := _CONNECTIONS.fullmatch(path)):
        attributes = {**target.attributes, "stage": match["stage"]}
        return replace(target, kind="api", service="apigatewaymanagementapi", attributes=attributes, path=match["path"])
    return target


def _plane(request: Request, region: str, credential: Credential | None) -> Target | None:
    """Data planes known by their path: a REST API's stage, SNS's certificate, IoT's two, GraphQL with an API key."""
    headers = request.headers
    if request.path in _OTLP and request.method == "POST" and "x-amz-target" not in headers:
        return Target("data-plane", "otlp", region, credential)
    if credential is not None and credential.signing_name == "s3":
        return None
    if match := _USER_REQUEST.fullmatch(request.path):
        attributes = {"id": match["id"], "stage": match["stage"]}
        return Target("data-plane", "execute-api", region, credential, attributes, match["path"] or "/")
    if match := _EXECUTE_API.fullmatch(request.path):
        target = Target("data-plane", "execute-api", region, credential, {"id": match["id"]}, match["path"] or "/")
        return connections(target, match["path"] or "/")
    if request.path.startswith("/SimpleNotificationService-") and request.path.endswith(".pem"):
        return Target("data-plane", "sns-certificate", region, credential)
    if request.certificate is not None and _ROLE_ALIAS.fullmatch(request.path):
        return Target("data-plane", "iot-credentials", region, credential)
    if request.path == "/_aws/ses":
        return Target("data-plane", "ses-messages", region, credential)
    if request.path == "/mqtt" and "upgrade" in headers:
        return Target("data-plane", "iot-mqtt", region, credential)
    if request.path in ("/graphql", "/event") and (headers.get("x-api-key") or "").startswith("da2-"):
        return Target("data-plane", "appsync-api", region, credential)
    sockets = request.websocket
    if (sockets or request.method in ("POST", "OPTIONS")) and (match := _GRAPHQL.fullmatch(request.path)):
        if match["realtime"] and not sockets:
            return None
        plane = "appsync-realtime" if sockets else "appsync-api"
        return Target("data-plane", plane, region, credential, {"id": match["id"]}, match["path"])
    return None


def _sns_link(request: Request, region: str) -> Target | None:
    """A visit of a link that confirms or ends a subscription, in the region of its topic."""
    if "Action=" not in request.query:
        return None
    sent = parse_qs(request.query, keep_blank_values=True)
    if sent.get("Action") not in _LINKED or "Version" in sent:
        return None
    named = (sent.get("TopicArn") or sent.get("SubscriptionArn") or [""])[-1].split(":")
    return Target("api", "sns", named[3] if len(named) > 3 else region, None, {UNSIGNED: "link"})


def _asks_for_a_page(request: Request) -> bool:
    """Whether a browser asks if a page of another origin may send what names its operation by X-Amz-Target."""
    asked = request.headers.get("access-control-request-headers") or ""
    return request.path in ("/", "") and "x-amz-target" in asked.lower()


def _s3_plane(request: Request, path: str) -> str | None:
    """What S3's model does not describe: a browser's preflight, and its form uploads to a bucket."""
    if request.method == "POST" and not request.query and _BUCKET.fullmatch(path):
        return "s3-post"
    return "s3-preflight" if request.method == "OPTIONS" else None
