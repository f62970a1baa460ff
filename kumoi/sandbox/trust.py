"""Whom functions trust over TLS: whom the system trusts, and the platform's own authority.

So a function reaches the platform by `https://` addresses, too: those that events name (a WebSocket API's domainName),
those that AWS's own code insists on. The authority lies in /var/runtime beside the packages. Variables that a function
sets itself win.
"""

from __future__ import annotations

import ssl
from pathlib import Path

OWN = "kumoi-ca.pem"
TOGETHER = "trusted-ca.pem"


def write_trust(directory: Path, authority: Path) -> None:
    """Put the authority's file into the packages' directory: alone, and behind those of the system."""
    own = authority.read_bytes()
    (directory / TOGETHER).write_bytes(_system() + b"\n" + own)
    (directory / OWN).write_bytes(own)


def variables(runtime: str) -> dict[str, str]:
    """What tells OpenSSL, Python, the SDKs and Node.js; `runtime` is where the sandbox sees /var/runtime."""
    together = f"{runtime}/{TOGETHER}"
    return {
        "AWS_CA_BUNDLE": together,
        "NODE_EXTRA_CA_CERTS": f"{runtime}/{OWN}",
        "REQUESTS_CA_BUNDLE": together,
        "SSL_CERT_FILE": together,
    }


def _system() -> bytes:
    """The system's authorities, else those that botocore brings."""
    paths = ssl.get_default_verify_paths()
    candidates = [paths.cafile, paths.openssl_cafile, "/etc/ssl/certs/ca-certificates.crt"]
    for name in candidates:
        if name and Path(name).is_file():
            return Path(name).read_bytes()
    import botocore

    return (Path(botocore.__file__).parent / "cacert.pem").read_bytes()
