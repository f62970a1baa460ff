"""The address of a function URL on this platform."""

from __future__ import annotations

from urllib.parse import urlsplit

from kumoi.local_names import resolves_localhost


def function_url(endpoint: str, region: str, url_id: str) -> str:
    """The URL that clients on this machine can use.

    `http://<id>.lambda-url.<region>.localhost:<port>/` where the system resolves names below `localhost` (browsers and
    curl always do), else the path form, which every client can reach.
    """
    if resolves_localhost():
        parts = urlsplit(endpoint)
        return f"{parts.scheme}://{url_id}.lambda-url.{region}.localhost:{parts.port}/"
    return f"{endpoint}/_kumoi/lambda-url/{url_id}/"
