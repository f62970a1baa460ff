"""Which service is a request for? One port serves them all, so the request itself must say.

The signals are tried in a fixed order, the first that speaks wins: Kumoi's own paths; host names of data planes;
rpc-v2-cbor paths; X-Amz-Target; the SigV4 scope; Action and Version of the query protocol; host names of services;
paths of unsigned callers; S3's virtual hosts; and S3's path style for what is left. Host names of data planes come
before the scope, because their callers sign with the names of control planes.

`*.localhost` resolves to loopback in browsers and curl, not everywhere: every host form is also served below the
other base domains, and data planes have path forms of their own below `/_kumoi/`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal
from urllib.parse import parse_qs

from kumoi.names import DEFAULT_REGION
from kumoi.wire.catalog import CATALOG, CatalogEntry
from kumoi.wire.http import Request
from kumoi.wire.sigv4 import Credential, parse_credential

BASE_DOMAINS = ("localhost", "localhost.localstack.cloud", "amazonaws.com", "amazonaws.com.cn", "on.aws")

_REGION = r"[a-z]{2}(?:-[a-z]+)+-\d"
_CBOR = re.compile(r"/service/([^/]+)/operation/[^/]+")
_QUEUE_PATH = re.compile(r"/\d{12}/[^/]+/?")
_REGION_LABEL = re.compile(_REGION)


@dataclass(frozen=True, slots=True)
class Target:
    """What a request is for.

    `service` is botocore's name for kind `api`, the data plane's name for `data-plane`. `path` is set where the
    request's path must be read as another one (a virtual-host bucket as path style). `attributes` is what the host
    said: `id`, `bucket`, `region`, `host`.
    """

    kind: Literal["internal", "api", "data-plane"]
    service: str
    region: str
    credential: Credential | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    path: str | None = None

    @property
    def access_key(self) -> str | None:
        """The access key the request is signed with, if it is."""
        return self.credential.access_key if self.credential else None


@dataclass(frozen=True, slots=True)
class HostRule:
    """A data plane by its host name: `pattern` matches what stands before the base domain."""

    service: str
    pattern: re.Pattern[str]


def _rule(service: str, pattern: str) -> HostRule:
    return HostRule(service, re.compile(pattern))


HOST_RULES: tuple[HostRule, ...] = (
    _rule("execute-api", rf"(?P<id>[a-z0-9-]+)\.execute-api(?:\.(?P<region>{_REGION}))?"),
    _rule("lambda-url", rf"(?P<id>[a-z0-9]{{1,64}})\.lambda-url\.(?P<region>{_REGION})"),
    _rule("appsync-api", rf"(?P<id>[a-z0-9]+)\.appsync-api\.(?P<region>{_REGION})"),
    _rule("appsync-realtime-api", rf"(?P<id>[a-z0-9]+)\.appsync-realtime-api\.(?P<region>{_REGION})"),
    _rule("cloudfront-edge", r"(?P<id>[a-z0-9]+)\.cloudfront"),
    _rule("s3-website", rf"(?P<bucket>.+)\.s3-website(?:[.-](?P<region>{_REGION}))?"),
    _rule("elb", rf"(?P<id>[a-z0-9-]+)\.(?P<region>{_REGION})\.elb"),
    _rule("cognito-hosted-ui", rf"(?P<id>[a-z0-9-]+)\.auth\.(?P<region>{_REGION})\.amazoncognito"),
    _rule("iot-credentials", rf"(?P<id>[a-z0-9]+)\.credentials\.iot\.(?P<region>{_REGION})"),
    _rule("iot-broker", rf"(?P<id>(?!data)[a-z0-9]+(?:-ats)?)\.iot\.(?P<region>{_REGION})"),
)
"""Rules 1a to 1g; the hosts of distributions and user pools also end in `.net` and `.com` of their own."""

S3_HOST = re.compile(
    rf"(?P<bucket>.+)\.(?:s3(?:\.dualstack)?(?:[.-](?P<region>{_REGION}))?|s3-accelerate(?:\.dualstack)?|s3express-[a-z0-9-]+)"
)
"""Rule 8. The bucket may contain dots, and even `.s3.`: the match is greedy, the last one counts."""


class Router:
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
        self._domains = tuple(f".{domain}" for domain in sorted(base_domains, key=len, reverse=True))
        self._bare = frozenset(base_domains)
        self._by_target = {entry.target: entry.name for entry in entries if entry.target}
        self._by_version = {entry.version: entry.name for entry in entries if entry.version}
        self._by_endpoint = {entry.endpoint: entry.name for entry in entries if entry.name not in _ENDPOINT_OF_ANOTHER}
        self._by_signing: dict[str, list[CatalogEntry]] = {}
        for entry in entries:
            self._by_signing.setdefault(entry.signing, []).append(entry)
        prefixes = [(path, entry.name) for entry in entries for path in entry.paths]
        self._by_path = sorted(prefixes, key=lambda prefix: len(prefix[0]), reverse=True)
        self._hosts: dict[str, Target] = {}

    def register_host(self, host: str, target: Target) -> None:
        """Have requests for a host name (a distribution's alias, a custom domain) go to a data plane."""
        self._hosts[host.lower()] = target

    def unregister_host(self, host: str) -> None:
        """Forget a host name."""
        self._hosts.pop(host.lower(), None)

    def needs_form(self, request: Request) -> bool:
        """Whether `resolve` must see the body: an urlencoded form, where nothing before rule 5 decides."""
        if request.method != "POST":
            return False
        content_type = request.headers.get("content-type")
        return (
            content_type is not None
            and content_type.lower().startswith("application/x-www-form-urlencoded")
            and "x-amz-target" not in request.headers
            and not request.path.startswith("/_kumoi/")
        )

    def resolve(self, request: Request, form: bytes | None = None) -> Target:
        """What the request is for; never raises for what a client sends."""
        path = request.path
        if path.startswith("/_kumoi/"):
            return Target("internal", "kumoi", self._default_region)
        host = _bare_host(request.host)
        label = self._label(host)
        credential = parse_credential(request)
        found = self._data_plane(host, label, credential)
        if found is not None:
            return found
        region = self._region(credential, label)
        service = self._service(request, credential, label, form)
        if service == "s3" or service is None:
            return self._s3(label, region, credential, path)
        return Target("api", service, region, credential)

    def _service(
        self, request: Request, credential: Credential | None, label: str | None, form: bytes | None
    ) -> str | None:
        """Rules 2 to 7; None leaves the request to S3."""
        if "smithy-protocol" in request.headers and (match := _CBOR.fullmatch(request.path)):
            return self._by_target.get(match[1], match[1])
        target = request.headers.get("x-amz-target")
        if target is not None:
            prefix = target.rpartition(".")[0]
            return self._by_target.get(prefix, prefix or target)
        if credential is not None:
            return self._by_scope(credential.signing_name, request, form)
        version = _version(request.query, form)
        if version is not None:
            return self._by_version.get(version)
        if label is not None:
            endpoint = ".".join(part for part in label.split(".") if not _REGION_LABEL.fullmatch(part))
            if endpoint in self._by_endpoint:
                return self._by_endpoint[endpoint]
        return self._by_shape(request)

    def _by_scope(self, signing_name: str, request: Request, form: bytes | None) -> str:
        """Rule 4: the service that signs so; between several, the path or the query version decides."""
        entries = self._by_signing.get(signing_name)
        if entries is None:
            return signing_name
        if len(entries) == 1:
            return entries[0].name
        for entry in entries:
            if any(request.path.startswith(prefix) for prefix in entry.paths):
                return entry.name
        version = _version(request.query, form)
        for entry in entries:
            if entry.version is not None and entry.version == version:
                return entry.name
        return next((entry.name for entry in entries if not entry.paths), entries[0].name)

    def _by_shape(self, request: Request) -> str | None:
        """Rule 7: paths of callers that sign nothing."""
        path = request.path
        if _QUEUE_PATH.fullmatch(path):
            return "sqs"
        if path == "/graphql" and (request.headers.get("x-api-key") or "").startswith("da2-"):
            return "appsync-api"
        return next((name for prefix, name in self._by_path if prefix[:3] == "/20" and path.startswith(prefix)), None)

    def _data_plane(self, host: str, label: str | None, credential: Credential | None) -> Target | None:
        """Rule 1: host names that were registered, and those of data planes."""
        registered = self._hosts.get(host)
        if registered is not None:
            return replace(registered, credential=credential)
        if label is None:
            return None
        for rule in HOST_RULES:
            match = rule.pattern.fullmatch(label)
            if match is not None:
                attributes = {name: value for name, value in match.groupdict().items() if value is not None}
                region = attributes.get("region", self._default_region)
                return Target("data-plane", rule.service, region, credential, {**attributes, "host": host})
        return None

    def _s3(self, label: str | None, region: str, credential: Credential | None, path: str) -> Target:
        """Rules 8 to 10: a bucket in the host becomes the first segment of the path."""
        match = S3_HOST.fullmatch(label) if label is not None else None
        if match is None:
            return Target("api", "s3", region, credential)
        bucket = match["bucket"]
        named = match["region"] if "region" in match.re.groupindex else None
        if credential is None and named:
            region = named
        return Target("api", "s3", region, credential, {"bucket": bucket}, f"/{bucket}{path}")

    def _label(self, host: str) -> str | None:
        """What stands before the base domain; None for a bare address or a foreign name."""
        if host in self._bare or not host or host[-1].isdigit():
            return None
        for domain in self._domains:
            if host.endswith(domain):
                return host[: -len(domain)]
        for foreign in (".cloudfront.net", ".amazoncognito.com"):
            if host.endswith(foreign):
                return host[:-4]
        return None

    def _region(self, credential: Credential | None, label: str | None) -> str:
        if credential is not None and credential.region not in ("", "*"):
            return credential.region
        if label is not None:
            for part in label.split("."):
                if _REGION_LABEL.fullmatch(part):
                    return part
        return self._default_region


_ENDPOINT_OF_ANOTHER = frozenset({"apigatewayv2", "elb", "es", "ses", "apigatewaymanagementapi"})
"""Services that share another's endpoint prefix and are told apart by path or version."""


def _bare_host(host: str) -> str:
    """A host name in lower case without its port."""
    name, colon, port = host.rpartition(":")
    if colon and port.isdigit() and not name.endswith(":"):
        host = name
    return host.lower().rstrip(".")


def _version(query: str, form: bytes | None) -> str | None:
    """The Version of a query-protocol request, from the form or the query string; None when there is no Action."""
    for text in (form.decode("utf-8", "replace") if form is not None else "", query):
        if "Action=" in text:
            fields = parse_qs(text, max_num_fields=None)
            return fields.get("Version", [""])[0]
    return None
