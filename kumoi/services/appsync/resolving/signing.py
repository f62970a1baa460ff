"""Requests to endpoints signed in the role of a data source, with the credentials of a session of it.

Source: "Create a signed AWS API request" of the IAM user guide.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from kumoi.doorway import Call, Principal
from kumoi.wire.canonical import canonical_headers, canonical_query, double_encoded
from kumoi.wire.credential import iso_basic
from kumoi.wire.http import Headers

_SESSION_SECONDS = 900.0


def signed(
    call: Call,
    who: Principal,
    method: str,
    url: str,
    headers: Mapping[str, str],
    content: bytes,
    signing: Mapping[str, Any],
) -> dict[str, str]:
    """The header fields of a request signed for a principal (Signature Version 4), with credentials of a session."""
    session = call.doorway.identity.issue(who, _SESSION_SECONDS)
    parts = urlsplit(url)
    moment = iso_basic(call.now)
    service = str(signing.get("signingServiceName") or "execute-api")
    region = str(signing.get("signingRegion") or call.region)
    made = {
        **headers,
        "host": parts.netloc,
        "x-amz-date": moment,
        "x-amz-security-token": session.token,
    }
    digest = hashlib.sha256(content).hexdigest()
    if service == "s3":
        made["x-amz-content-sha256"] = digest
    names = sorted(made)
    path = parts.path if service == "s3" else double_encoded(parts.path)
    canonical = "\n".join(
        (
            method,
            path or "/",
            canonical_query(parts.query, frozenset()) if parts.query else "",
            canonical_headers(Headers(list(made.items())), names),
            ";".join(names),
            digest,
        )
    )
    scope = f"{moment[:8]}/{region}/{service}/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = f"AWS4{session.secret}".encode()
    for part in (moment[:8], region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    made["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={session.access_key}/{scope}, SignedHeaders={';'.join(names)},"
        f" Signature={signature}"
    )
    return made
