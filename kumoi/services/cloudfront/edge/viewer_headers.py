"""The CloudFront-… headers: what the edge knows of a viewer. Source: "Add CloudFront request headers" of the guide.

A viewer looks as those of its POP do, unless its request says otherwise: `x-kumoi-viewer-country: DE` stands for
CloudFront-Viewer-Country, and so on for every header here (`x-kumoi-is-mobile-viewer: true`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from kumoi.services.cloudfront.edge.messages import first
from kumoi.services.cloudfront.edge.pops import Pop
from kumoi.wire.http import HeaderList

_PREFIX = "cloudfront-"
OVERRIDE = "x-kumoi-"

_NAMES = {
    name.lower(): name
    for name in (
        "CloudFront-Forwarded-Proto",
        "CloudFront-Is-Android-Viewer",
        "CloudFront-Is-Desktop-Viewer",
        "CloudFront-Is-IOS-Viewer",
        "CloudFront-Is-Mobile-Viewer",
        "CloudFront-Is-SmartTV-Viewer",
        "CloudFront-Is-Tablet-Viewer",
        "CloudFront-Viewer-Address",
        "CloudFront-Viewer-ASN",
        "CloudFront-Viewer-City",
        "CloudFront-Viewer-Country",
        "CloudFront-Viewer-Country-Name",
        "CloudFront-Viewer-Country-Region",
        "CloudFront-Viewer-Country-Region-Name",
        "CloudFront-Viewer-Header-Order",
        "CloudFront-Viewer-Header-Count",
        "CloudFront-Viewer-Http-Version",
        "CloudFront-Viewer-JA3-Fingerprint",
        "CloudFront-Viewer-Latitude",
        "CloudFront-Viewer-Longitude",
        "CloudFront-Viewer-Metro-Code",
        "CloudFront-Viewer-Postal-Code",
        "CloudFront-Viewer-Time-Zone",
        "CloudFront-Viewer-TLS",
    )
}

_TV = re.compile(
    r"smart-?tv|appletv|googletv|hbbtv|netcast|roku|crkey|aft[a-z]\b|web0s|tizen.*tv|playstation|xbox", re.I
)
_TABLET = re.compile(r"ipad|tablet|kindle|silk/|playbook|android(?!.*mobile)", re.I)
_MOBILE = re.compile(r"iphone|ipod|windows phone|blackberry|bb10|opera mini|android.*mobile|mobile.*firefox", re.I)


def device(agent: str) -> dict[str, str]:
    """The Is-…-Viewer headers (lower-case names) by User-Agent: one of four classes, and the system."""
    tv = _TV.search(agent) is not None
    tablet = not tv and _TABLET.search(agent) is not None
    mobile = not tv and not tablet and _MOBILE.search(agent) is not None
    flags = {
        "smarttv": tv,
        "tablet": tablet,
        "mobile": mobile,
        "desktop": not (tv or tablet or mobile),
        "android": "android" in agent.lower() and not tv,
        "ios": re.search(r"iphone|ipad|ipod", agent, re.I) is not None,
    }
    return {f"cloudfront-is-{name}-viewer": "true" if flag else "false" for name, flag in flags.items()}


def country(headers: HeaderList, pop: Pop) -> str:
    """Where a viewer is."""
    return (first(headers, f"{OVERRIDE}viewer-country") or pop.country).upper()


def known(
    headers: HeaderList, wanted: Iterable[str], pop: Pop, *, ip: str, port: int, scheme: str, version: str
) -> HeaderList:
    """The headers of these names (lower case), as far as the edge knows them."""
    names = [name for name in wanted if name in _NAMES]
    if not names:
        return []
    agent = first(headers, "user-agent") or ""
    values = {
        "cloudfront-forwarded-proto": scheme,
        **device(agent),
        "cloudfront-viewer-address": f"{f'[{ip}]' if ':' in ip else ip}:{port}",
        "cloudfront-viewer-asn": pop.asn,
        "cloudfront-viewer-city": pop.city,
        "cloudfront-viewer-country": pop.country,
        "cloudfront-viewer-country-name": pop.country_name,
        "cloudfront-viewer-country-region": pop.country_region,
        "cloudfront-viewer-country-region-name": pop.region_name,
        "cloudfront-viewer-header-order": ":".join(name for name, _ in headers),
        "cloudfront-viewer-header-count": str(len(headers)),
        "cloudfront-viewer-http-version": version,
        "cloudfront-viewer-latitude": pop.latitude,
        "cloudfront-viewer-longitude": pop.longitude,
        "cloudfront-viewer-postal-code": pop.postal_code,
        "cloudfront-viewer-time-zone": pop.time_zone,
    }
    if scheme == "https":
        values["cloudfront-viewer-tls"] = "TLSv1.3:TLS_AES_128_GCM_SHA256:fullHandshake"
    found: HeaderList = []
    for name in names:
        value = first(headers, OVERRIDE + name.removeprefix(_PREFIX)) or values.get(name)
        if value is not None:
            found.append((_NAMES[name], value))
    return found


def cleaned(headers: HeaderList) -> HeaderList:
    """A viewer's own headers: without CloudFront-… (viewers do not set those) and without Kumoi's."""
    return [one for one in headers if not one[0].lower().startswith((_PREFIX, "x-kumoi-", "x-edge-", "x-amz-cf-"))]
