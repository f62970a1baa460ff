"""Which service is a request for? One port serves them all, so the request itself must say.

The signals are tried in a fixed order, the first that speaks wins: Kumoi's own paths; host names of data planes;
rpc-v2-cbor paths; X-Amz-Target; the SigV4 scope; Action and Version of the query protocol; host names of services;
paths of unsigned callers; and S3, by virtual host or path, for what is left. Host names of data planes come before
the scope, because their callers sign with the names of control planes.

`*.localhost` resolves to loopback in browsers and curl, not everywhere: a data plane's host name `{id}.{name}.…` has a
path form `/_kumoi/{name}/{id}/…`, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple
from urllib.parse import parse_qs

import msgspec
from msgspec.structs import replace

from kumoi.doorway.host_names import HostNames, Meaning
from kumoi.gateway.hosts import AWS_DOMAINS, BASE_DOMAINS, HostName, bare_host, read_host
from kumoi.names import DEFAULT_REGION
from kumoi.wire.catalog import CATALOG, CatalogEntry
from kumoi.wire.credential import SIGNATURE_DIGITS, SIGV2, SIGV4, Credential, is_presigned, parse_credential
from kumoi.wire.http import Request

_HOSTS_REMEMBERED = 4096
_ALIKE, _SIGNALS_LIMIT = 4096, 1024
"""How many requests that differ in their signals are remembered, and characters of these."""
_HOST_LIMIT = 260
"""Characters of the longest DNS name with a port."""

_INTERNAL = "/_kumoi/"
_CHAOS_ALIAS = "/_localstack/chaos/"
_OWN = (_INTERNAL, _CHAOS_ALIAS)
_CONNECTED = "connections/"
"""What is in paths of a WebSocket API's connections."""
_PATH_FORM = re.compile(
    r"/_kumoi/(?P<plane>execute-api|lambda-url|appsync-access|appsync-api|appsync-realtime|cloudfront|s3-website|elb"
    r"|cognito-hosted-ui|iot-credentials)/(?P<id>[^/]+)(?P<path>/.*)?"
)
_USER_REQUEST = re.compile(r"/restapis/(?P<id>[^/]+)/(?P<stage>[^/]+)/_user_request_(?P<path>/.*)?")
_EXECUTE_API = re.compile(r"/_aws/execute-api/(?P<id>[^/]+)(?P<path>/.*)?")
_GRAPHQL = re.compile(r"(?P<path>/graphql|/event)/(?P<id>[a-z0-9]{1,32})(?P<realtime>/realtime)?")
_CONNECTIONS = re.compile(r"/?(?P<stage>.*)(?P<path>/(?:@|%40)connections/.+)")
_CBOR = re.compile(r"/service/([^/]+)/operation/[^/]+")
_POOL_KEYS = re.compile(
    r"/(?P<id>[a-z0-9-]+_[A-Za-z0-9]{1,55})(?P<path>/\.well-known/(?:jwks\.json|openid-configuration))"
)
_IDENTITY_KEYS = frozenset(("/.well-known/jwks_uri", "/.well-known/openid-configuration"))
_BUCKET = re.compile(r"/[^/]+/*")
_QUEUE = re.compile(r"/[0-9]{12}/[^/]+/?")
_FORM = "application/x-www-form-urlencoded"
_ACTION = re.compile(r"(?:^|&)Action=")
_VERSION = re.compile(r"(?:^|&)Version=([^&]*)")
_LINKED = (["ConfirmSubscription"], ["Unsubscribe"])
"""Actions of SNS that whoever gets a notification may take by visiting a link, which has no Version."""


UNSIGNED = "unsigned"
"""An attribute of targets that are reached by a link, whoever visits it."""


class Target(msgspec.Struct, frozen=True):
    """What a request is for.

    `service` is botocore's name for kind `api` (a service that Kumoi has no entry for: its signing name, target prefix
    or query version as sent), the data plane's name for `data-plane`. `path` is set where the request's path must be
    read as another one: a bucket moved from the host into it, a path form without its prefix. `attributes` is what
    host or path said: `id`, `stage`, `bucket`, `host`.
    """

    kind: Literal["internal", "api", "data-plane"]
    service: str
    region: str
    credential: Credential | None = None
    attributes: Mapping[str, str] = {}
    path: str | None = None

    @property
    def access_key(self) -> str | None:
        """The access key the request is signed with, if it is."""
        return (self.credential.access_key or None) if self.credential else None


class _Scope(NamedTuple):
    """The services that share a signing name: told apart by path, then by query version, else `default`.

    `paths` holds a prefix, the header that must be there too (or None), and the service.
    """

    default: str
    paths: tuple[tuple[str, str | None, str], ...]
    versions: Mapping[str, str]

    @classmethod
    def of(cls, entries: Sequence[CatalogEntry]) -> _Scope:
        """The scope of catalogue entries that share it."""
        paths = tuple((path, entry.header, entry.name) for entry in entries for path in entry.paths)
        versions = {entry.version: entry.name for entry in entries if entry.version} if len(entries) > 1 else {}
        return cls(entries[0].name, paths, versions if len(versions) > 1 else {})

    def service(self, request: Request, form: bytes | None) -> str:
        """The service that a request of this scope is for."""
        for prefix, header, name in self.paths:
            if request.path.startswith(prefix) and (header is None or header in request.headers):
                return name
        if self.versions:
            return self.versions.get(_query_version(request.query, form) or "", self.default)
        return self.default


class Router(HostNames):
    """Resolves requests. One instance belongs to one platform; custom host names are registered on it."""

    def __init__(
        self,
        catalog: Iterable[CatalogEntry] = CATALOG,
        *,
        base_domains: Iterable[str] = BASE_DOMAINS,
        default_region: str = DEFAULT_REGION,
    ) -> None:
        entries = tuple(catalog)
        self._default_region = default_region
        self._domains = tuple(base_domains)
        self._targets = {entry.target: entry.name for entry in entries if entry.target}
        self._versions = {entry.version: entry.name for entry in entries if entry.version}
        self._endpoints = {entry.endpoint: entry.name for entry in reversed(entries)}
        by_signing: dict[str, list[CatalogEntry]] = {}
        for entry in entries:
            by_signing.setdefault(entry.signing, []).append(entry)
        self._scopes = {signing: _Scope.of(sharing) for signing, sharing in by_signing.items()}
        self._unsigned_paths = tuple((path, entry.name) for entry in entries for path in entry.unsigned_paths)
        self._registered: dict[str, Target] = {}
        self._wild = False
        self._hosts: dict[str, HostName | Target] = {}
        self._planes: dict[str, Target] = {}
        self._alike: dict[_Signals, Target] = {}
        self._telling = (*_TELLING, *(path for entry in entries for path in entry.paths))

    def register_host(self, host: str, target: Target) -> None:
        """Have requests for a host name (a distribution's alias, a custom domain) go to `target`."""
        self._registered[host.lower()] = target
        self._wild = self._wild or host.startswith("*.")
        self._forget()

    def unregister_host(self, host: str) -> None:
        """Forget a host name; no error when it is unknown."""
        self._registered.pop(host.lower(), None)
        self._forget()

    def claim(self, host: str, plane: str, region: str, attributes: Mapping[str, str]) -> None:
        """Have requests for a host name go to a data plane."""
        self.register_host(host, Target("data-plane", plane, region, attributes=attributes))

    def release(self, host: str) -> None:
        """Forget a host name."""
        self.unregister_host(host)

    def meaning(self, host: str) -> Meaning | None:
        """What a host name leads to, for parts that ask on behalf of somebody else."""
        found = self._host(host)
        if isinstance(found, Target):
            return Meaning(found.service, found.region, found.attributes)
        region = found.region or self._default_region
        if found.plane is not None:
            return Meaning(found.plane, region, found.attributes)
        if found.service == "s3" and "bucket" in found.attributes:
            return Meaning("s3", region, found.attributes)
        return None

    def needs_form(self, request: Request) -> bool:
        """Whether `resolve` must see the body: an urlencoded form that only its Version tells the service of."""
        if request.method != "POST" or not _may_be_query(request.path):
            return False
        headers = request.headers.index
        if "x-amz-target" in headers or not headers.get("content-type", "").lower().startswith(_FORM):
            return False
        host = self._host(headers.get("host", ""))
        if isinstance(host, Target) or host.plane is not None or "bucket" in host.attributes:
            return False
        credential = parse_credential(request)
        if credential is None:
            return True
        scope = self._scopes.get(credential.signing_name)
        return scope is not None and bool(scope.versions)

    def recall(self, request: Request) -> Target | None:
        """What `resolve` would answer (and without a form), where a request with the same signals was remembered.

        Its credential lacks the signature, which is each request's own: not for who verifies it.
        """
        signals = self._signals(request)
        return None if signals is None else self._alike.get(signals)

    def remember(self, request: Request, target: Target) -> None:
        """Keep what a request was resolved to, where the next with its signals will mean the same."""
        credential, service = target.credential, target.service
        if target.kind != "api" or target.path is not None or credential is None:
            return
        if service == "apigatewaymanagementapi" or (service == "s3" and request.method == "POST"):
            return  # their paths say more
        if "x-amz-target" not in request.headers.index:
            scope = self._scopes.get(credential.signing_name)
            if scope is None or scope.versions:
                return
        signals = self._signals(request)
        if signals is not None and sum(map(len, signals)) <= _SIGNALS_LIMIT:
            if len(self._alike) >= _ALIKE:
                self._alike.clear()
            self._alike[signals] = replace(target, credential=credential._replace(signature=""))

    def _signals(self, request: Request) -> _Signals | None:
        """What mostly says all that a request is for; None where its path or another header may say more.

        They differ between a client's requests in the date and in which headers are signed, so there are few.
        """
        headers = request.headers.index
        method, path, claim = request.method, request.path, headers.get("authorization", "")
        end = len(claim) - SIGNATURE_DIGITS
        if (
            not claim.startswith(_SIGNED)
            or not claim.endswith("Signature=", 0, end)
            or path.startswith(self._telling)
            or "/.well-known/" in path
            or method == "OPTIONS"
            or "smithy-protocol" in headers
        ):
            return None
        return method, headers.get("host", ""), claim[:end], headers.get("x-amz-target", "")

    def _forget(self) -> None:
        """Host names may mean something else from now on."""
        self.changes += 1
        self._hosts.clear()
        self._planes.clear()
        self._alike.clear()

    def resolve(self, request: Request, form: bytes | None = None) -> Target:
        """What the request is for; never raises for what a client sends."""
        path = request.path
        if path.startswith(_CHAOS_ALIAS):
            return Target("internal", "kumoi", self._default_region, path="/_kumoi/chaos/" + path[len(_CHAOS_ALIAS) :])
        if path.startswith(_INTERNAL):
            return self._own(request)
        name = request.headers.index.get("host", "")
        host = self._host(name)
        credential = parse_credential(request)
        if isinstance(host, Target):
            return self._of_host(name, replace(host, credential=credential), path)
        region = credential.region if credential is not None else ""
        if not region or region == "*":
            region = host.region or self._default_region
        if host.plane is not None:
            target = Target("data-plane", host.plane, region, credential, host.attributes)
            return self._of_host(name, target, path)
        if path.startswith(_PLANE_PATHS) and (found := _plane_by_path(request, region, credential)):
            return found
        if "/.well-known/" in path and (match := _POOL_KEYS.fullmatch(path)):
            return Target("data-plane", "cognito-keys", region, credential, {"id": match["id"]}, match["path"])
        if path in _IDENTITY_KEYS:
            return Target("data-plane", "cognito-identity-keys", region, credential)
        if (
            credential is None
            and request.method == "GET"
            and path in ("/", "")
            and (link := _sns_link(request, region))
        ):
            return link
        if request.method == "OPTIONS" and _asks_for_a_page(request):
            return Target("data-plane", "cognito-preflight", region)
        service = self._service(request, credential, host, form)
        if service == "s3":
            return _s3(request, host, region, credential)
        if service == "apigatewaymanagementapi" and (match := _CONNECTIONS.fullmatch(path)):
            return Target("api", service, region, credential, {"stage": match["stage"]}, match["path"])
        return Target("api", service, region, credential, host.attributes)

    def of_host(self, request: Request) -> Target | None:
        """What `resolve` would answer for an unsigned request whose host name is a data plane's, where it is known."""
        headers, path, query = request.headers, request.path, request.query
        target = self._planes.get(headers.get("host") or "")
        if target is None or path.startswith(_OWN) or _CONNECTED in path:
            return None
        claim = headers.get("authorization")
        if claim is not None and claim.lstrip().startswith(SIGV2):  # as all of AWS's signatures begin
            return None
        return None if query and is_presigned(query) else target

    def _of_host(self, name: str, target: Target, path: str) -> Target:
        """What a host name that is a data plane's leads to: itself, but for a WebSocket API's connections."""
        if target.credential is None and target.kind == "data-plane" and len(name) <= _HOST_LIMIT:
            if len(self._planes) >= _HOSTS_REMEMBERED:
                self._planes.clear()
            self._planes[name] = target
        return _connections(target, path)

    def _host(self, name: str) -> HostName | Target:
        """What the host name says, remembered for the next request."""
        found = self._hosts.get(name)
        if found is None:
            if len(name) > _HOST_LIMIT:
                return HostName()
            found = self._read(name)
            if len(self._hosts) >= _HOSTS_REMEMBERED:
                self._hosts.clear()
            self._hosts[name] = found
        return found

    def _read(self, name: str) -> HostName | Target:
        """Whoever claimed a name, or what it says; the platform's own names and AWS's are nobody's to claim."""
        bare = bare_host(name)
        said = read_host(name, self._domains, self._endpoints)
        own = bare in self._domains or (bare.endswith(AWS_DOMAINS) and (said.plane or said.service))
        return (None if own else self._claimed(bare)) or said

    def _claimed(self, name: str) -> Target | None:
        """Whoever claimed a name, or a wildcard above it; the longest counts."""
        found = self._registered.get(name)
        while found is None and "." in name and self._wild:
            name = name.partition(".")[2]
            found = self._registered.get(f"*.{name}")
        return found

    def _own(self, request: Request) -> Target:
        """Paths below `/_kumoi/`: path forms of data planes, and Kumoi's own interface."""
        match = _PATH_FORM.fullmatch(request.path)
        if match is None:
            return Target("internal", "kumoi", self._default_region)
        credential = parse_credential(request)
        region = (credential.region if credential is not None else "") or self._default_region
        plane = "cloudfront-edge" if match["plane"] == "cloudfront" else match["plane"]
        attributes = {"bucket" if plane == "s3-website" else "id": match["id"]}
        path = match["path"] or "/"
        return _connections(Target("data-plane", plane, region, credential, attributes, path), path)

    def _service(self, request: Request, credential: Credential | None, host: HostName, form: bytes | None) -> str:
        """Rules 2 to 7 of those above; `s3` is what is left."""
        headers = request.headers.index
        if "smithy-protocol" in headers and (match := _CBOR.fullmatch(request.path)):
            return self._targets.get(match[1], match[1])
        target = headers.get("x-amz-target")
        if target:
            prefix = target.rpartition(".")[0] or target
            return self._targets.get(prefix, prefix)
        if credential is not None and credential.signing_name:
            scope = self._scopes.get(credential.signing_name)
            return credential.signing_name if scope is None else scope.service(request, form)
        path = request.path
        if request.certificate is not None and (match := _DEVICES.match(path)):
            return "iot-jobs-data" if match["jobs"] else "iot-data"
        if _may_be_query(path) and (version := _query_version(request.query, form)):
            return self._versions.get(version, version)
        if host.service is not None:
            return host.service
        if _QUEUE.fullmatch(path):
            return "sqs"
        return next((name for prefix, name in self._unsigned_paths if path.startswith(prefix)), "s3")


_DEVICES = re.compile(r"/topics/|/things/[^/]+/(?:shadow$|(?P<jobs>jobs(?:/|$)))|/retainedMessage/")
"""What devices ask over HTTPS with their certificates."""
_Signals = tuple[str, str, str, str]
"""Method, host, the Authorization but for its signature, and X-Amz-Target."""


_OTLP = frozenset({"/v1/traces", "/v1/logs", "/v1/metrics"})
"""The paths of OpenTelemetry's protocol; no bucket has a name of two characters."""
_PLANE_PATHS = (
    "/v1/",
    "/restapis/",
    "/_aws/execute-api/",
    "/mqtt",
    "/graphql",
    "/event",
    "/SimpleNotificationService-",
)
_TELLING = ("/_", *_PLANE_PATHS)
"""How paths begin that may mean a data plane, or Kumoi itself."""
_SIGNED = f"{SIGV4} "


def _plane_by_path(request: Request, region: str, credential: Credential | None) -> Target | None:
    """Data planes known by their path: a REST API's stage, SNS's certificate, MQTT, GraphQL with an API key."""
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
        return _connections(target, match["path"] or "/")
    if request.path.startswith("/SimpleNotificationService-") and request.path.endswith(".pem"):
        return Target("data-plane", "sns-certificate", region, credential)
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


def _connections(target: Target, path: str) -> Target:
    """`{stage}/@connections/{id}` of a WebSocket API is an operation of the management API."""
    if target.service == "execute-api" and _CONNECTED in path and (match := _CONNECTIONS.fullmatch(path)):
        attributes = {**target.attributes, "stage": match["stage"]}
        return replace(target, kind="api", service="apigatewaymanagementapi", attributes=attributes, path=match["path"])
    return target


def _s3(request: Request, host: HostName, region: str, credential: Credential | None) -> Target:
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


def _sns_link(request: Request, region: str) -> Target | None:
    """A visit of a link that confirms or ends a subscription, in the region of its topic."""
    if "Action=" not in request.query:
        return None
    sent = parse_qs(request.query, keep_blank_values=True)
    if sent.get("Action") not in _LINKED or "Version" in sent:
        return None
    named = (sent.get("TopicArn") or sent.get("SubscriptionArn") or [""])[-1].split(":")
    return Target("api", "sns", named[3] if len(named) > 3 else region, None, {UNSIGNED: "link"})


def _s3_plane(request: Request, path: str) -> str | None:
    """What S3's model does not describe: a browser's preflight, and its form uploads to a bucket."""
    if request.method == "POST" and not request.query and _BUCKET.fullmatch(path):
        return "s3-post"
    return "s3-preflight" if request.method == "OPTIONS" else None


def _asks_for_a_page(request: Request) -> bool:
    """Whether a browser asks if a page of another origin may send what names its operation by X-Amz-Target."""
    asked = request.headers.get("access-control-request-headers") or ""
    return request.path in ("/", "") and "x-amz-target" in asked.lower()


def _may_be_query(path: str) -> bool:
    """Whether a request of the query protocol may have this path: the root, or a queue's URL."""
    return path in ("/", "") or _QUEUE.fullmatch(path) is not None


def _query_version(query: str, form: bytes | None) -> str | None:
    """The Version of a query-protocol request, from the form or the query string; None when there is no Action."""
    for text in ((form or b"").decode("latin-1"), query):
        if _ACTION.search(text):
            match = _VERSION.search(text)
            return match[1] if match else None
    return None
