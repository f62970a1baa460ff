"""Who may ask Studio: pages of the platform's own, and where signatures are verified, whoever has the token.

A page of another origin cannot send the header that Studio's own sends without being asked first, and is refused then.
A name that somebody lets point to this machine (DNS rebinding) is none that the platform goes by.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from kumoi.doorway import Identity
from kumoi.local_names import private_name
from kumoi.wire.http import Request

HEADER = "x-kumoi-studio"


def refusal(identity: Identity, request: Request) -> tuple[int, str] | None:
    """Why a request is not answered, with the status; None when it is."""
    origin = request.headers.get("origin")
    if origin is not None and origin.partition("://")[2] != request.host:
        return 403, "requests from other origins are refused"
    if HEADER not in request.headers:
        return 403, f"requests carry the header {HEADER}"
    if identity.verifies:
        if not identity.rules(request.headers.get("authorization")):
            return 401, "this platform verifies who calls: `kumoi studio` shows its token"
        return None
    if not _ours(request.host):
        return 403, f"{request.host} is no name of this machine"
    return None


def _ours(host: str) -> bool:
    try:
        return private_name(urlsplit(f"//{host}").hostname)
    except ValueError:  # no host at all
        return False
