"""Which service is a request for? One port serves them all, so the request itself must say.

The signals are tried in a fixed order, the first that speaks wins: Kumoi's own paths; host names of data planes
(`known_hosts.py`); paths that mean one (`path_planes.py`); rpc-v2-cbor paths; X-Amz-Target; the SigV4 scope; Action
and Version of the query protocol; host names of services; paths of unsigned callers; and S3, by virtual host or path,
for what is left. Host names of data planes come before the scope, because their callers sign with the names of control
planes. What was resolved is remembered for its like (`remembered_targets.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from kumoi.gateway.hosts import BASE_DOMAINS, HostName
from kumoi.gateway.known_hosts import KnownHosts
from kumoi.gateway.path_planes import INTERNAL, PLANE_PATHS, by_path, connections, own_path, s3
from kumoi.gateway.remembered_targets import RememberedTargets
from kumoi.gateway.target import Target
from kumoi.names import DEFAULT_REGION
from kumoi.wire.catalog import CATALOG, CatalogEntry
from kumoi.wire.credential import Credential, parse_credential
from kumoi.wire.http import Request

_CHAOS_ALIAS = "/_localstack/chaos/"
_OWN = (INTERNAL, _CHAOS_ALIAS)
_CBOR = re.compile(r"/service/([^/]+)/operation/[^/]+")
_QUEUE = re.compile(r"/[0-9]{12}/[^/]+/?")
_FORM = "application/x-www-form-urlencoded"
_ACTION = re.compile(r"(?:^|&)Action=")
_VERSION = re.compile(r"(?:^|&)Version=([^&]*)")
_DEVICES = re.compile(r"/topics/|/things/[^/]+/(?:shadow$|(?P<jobs>jobs(?:/|$)))|/retainedMessage/")
"""What devices ask over HTTPS, with their certificates or what a custom authorizer is to see."""
_AUTHORIZER = "x-amz-customauthorizer-name"


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


class Router:
    """Resolves requests. One instance belongs to one platform; custom host names are registered at its `hosts`."""

    def __init__(
        self,
        catalog: Iterable[CatalogEntry] = CATALOG,
        *,
        base_domains: Iterable[str] = BASE_DOMAINS,
        default_region: str = DEFAULT_REGION,
    ) -> None:
        entries = tuple(catalog)
        self._default_region = default_region
        self._targets = {entry.target: entry.name for entry in entries if entry.target}
        self._versions = {entry.version: entry.name for entry in entries if entry.version}
        by_signing: dict[str, list[CatalogEntry]] = {}
        for entry in entries:
            by_signing.setdefault(entry.signing, []).append(entry)
        self._scopes = {signing: _Scope.of(sharing) for signing, sharing in by_signing.items()}
        self._unsigned_paths = tuple((path, entry.name) for entry in entries for path in entry.unsigned_paths)
        self.remembered = RememberedTargets(
            telling=("/_", *PLANE_PATHS, *(path for entry in entries for path in entry.paths)),
            own=_OWN,
            plain={signing for signing, scope in self._scopes.items() if not scope.versions},
        )
        endpoints = {entry.endpoint: entry.name for entry in reversed(entries)}
        self.hosts = KnownHosts(
            base_domains, endpoints, default_region=default_region, forgotten=self.remembered.forget
        )

    def needs_form(self, request: Request) -> bool:
        """Whether `resolve` must see the body: an urlencoded form that only its Version tells the service of."""
        if request.method != "POST" or not _may_be_query(request.path):
            return False
        headers = request.headers.index
        if "x-amz-target" in headers or not headers.get("content-type", "").lower().startswith(_FORM):
            return False
        host = self.hosts.of(headers.get("host", ""))
        if isinstance(host, Target) or host.plane is not None or "bucket" in host.attributes:
            return False
        credential = parse_credential(request)
        if credential is None:
            return True
        scope = self._scopes.get(credential.signing_name)
        return scope is not None and bool(scope.versions)

    def resolve(self, request: Request, form: bytes | None = None) -> Target:
        """What the request is for; never raises for what a client sends."""
        path = request.path
        if path.startswith(_CHAOS_ALIAS):
            return Target("internal", "kumoi", self._default_region, path="/_kumoi/chaos/" + path[len(_CHAOS_ALIAS) :])
        if path.startswith(INTERNAL):
            return own_path(request, self._default_region)
        name = request.headers.index.get("host", "")
        host = self.hosts.of(name)
        credential = parse_credential(request)
        if isinstance(host, Target):
            return self._of_host(name, replace(host, credential=credential), path)
        region = credential.region if credential is not None else ""
        if not region or region == "*":
            region = host.region or self._default_region
        if host.plane is not None:
            target = Target("data-plane", host.plane, region, credential, host.attributes)
            return self._of_host(name, target, path)
        if (found := by_path(request, region, credential)) is not None:
            return found
        service = self._service(request, credential, host, form)
        if service == "s3":
            return s3(request, host, region, credential)
        return connections(Target("api", service, region, credential, host.attributes), path)

    def _of_host(self, name: str, target: Target, path: str) -> Target:
        """What a host name that is a data plane's leads to: itself, but for a WebSocket API's connections."""
        self.remembered.remember_host(name, target)
        return connections(target, path)

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
        if _of_device(request) and (match := _DEVICES.match(path)):
            return "iot-jobs-data" if match["jobs"] else "iot-data"
        if _may_be_query(path) and (version := _query_version(request.query, form)):
            return self._versions.get(version, version)
        if host.service is not None:
            return host.service
        if _QUEUE.fullmatch(path):
            return "sqs"
        return next((name for prefix, name in self._unsigned_paths if path.startswith(prefix)), "s3")


def _of_device(request: Request) -> bool:
    """Whether a device sends an unsigned request: it shows a certificate, or names a custom authorizer."""
    named = _AUTHORIZER in request.headers.index or f"{_AUTHORIZER}=" in request.query
    return named or request.certificate is not None


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
