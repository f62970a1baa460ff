"""A bucket as a website, as a browser meets it: by host name and by path."""

from __future__ import annotations

import http.client
from typing import Any

import pytest

PAGES = {
    "index.html": b"<h1>home</h1>",
    "docs/index.html": b"docs",
    "error.html": b"sorry",
    "caf\u00e9.html": b"cafe",
    "new/page.html": b"page",
}
CONFIGURATION = {
    "IndexDocument": {"Suffix": "index.html"},
    "ErrorDocument": {"Key": "error.html"},
    "RoutingRules": [
        {"Condition": {"KeyPrefixEquals": "old/"}, "Redirect": {"ReplaceKeyPrefixWith": "new/"}},
        {
            "Condition": {"KeyPrefixEquals": "gone/", "HttpErrorCodeReturnedEquals": "404"},
            "Redirect": {"HostName": "archive.example.com", "Protocol": "https", "HttpRedirectCode": "307"},
        },
    ],
}


class Browser:
    """Asks a website by its host name."""

    def __init__(self, url: str, bucket: str) -> None:
        self._at = url.removeprefix("http://")
        self.host = f"{bucket}.s3-website-us-east-1.localhost:{self._at.partition(':')[2]}"

    def ask(self, path: str, method: str = "GET", host: str | None = None, **headers: str) -> tuple[int, Any, bytes]:
        connection = http.client.HTTPConnection(self._at, timeout=60)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, headers={"Host": host or self.host, **named})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()


@pytest.fixture
def browser(kumoi: Any, s3: Any, bucket: str) -> Browser:
    s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration=CONFIGURATION)
    for key, body in PAGES.items():
        s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType="text/html", Metadata={"by": "me"})
    return Browser(kumoi.url, bucket)


def test_folders_mean_their_index_document(browser: Browser) -> None:
    status, headers, body = browser.ask("/")
    assert (status, body, headers["Content-Type"]) == (200, b"<h1>home</h1>", "text/html")
    assert headers["x-amz-meta-by"] == "me"
    assert browser.ask("/docs/")[2] == b"docs"
    assert browser.ask("/caf%C3%A9.html?v=1")[2] == b"cafe"
    status, headers, _ = browser.ask("/docs")
    assert (status, headers["Location"]) == (302, "/docs/")


def test_the_path_form_is_the_same_site(browser: Browser, kumoi: Any, bucket: str) -> None:
    host = kumoi.url.removeprefix("http://")
    prefix = f"/_kumoi/s3-website/{bucket}"
    assert browser.ask(f"{prefix}/", host=host)[2] == b"<h1>home</h1>"
    status, headers, _ = browser.ask(f"{prefix}/docs", host=host)
    assert (status, headers["Location"]) == (302, f"{prefix}/docs/")
    status, headers, _ = browser.ask(f"{prefix}/old/page.html", host=host)
    assert (status, headers["Location"]) == (301, f"http://{host}{prefix}/new/page.html")


def test_what_is_missing_is_answered_by_the_error_document(browser: Browser, s3: Any, bucket: str) -> None:
    status, _, body = browser.ask("/none")
    assert (status, body) == (404, b"sorry")
    s3.delete_object(Bucket=bucket, Key="error.html")
    status, headers, body = browser.ask("/none<b>")
    assert status == 404
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert b"<h1>404 Not Found</h1>\n<ul>\n<li>Code: NoSuchKey</li>" in body
    assert b"<h3>An Error Occurred While Attempting to Retrieve a Custom Error Document</h3>" in body
    assert b"<li>Key: error.html</li>" in body
    assert b"<b>" not in body


def test_routing_rules_redirect_before_and_after_the_look_up(browser: Browser) -> None:
    status, headers, _ = browser.ask("/old/a%20b")
    assert (status, headers["Location"]) == (301, f"http://{browser.host}/new/a%20b")
    status, headers, _ = browser.ask("/gone/x")
    assert (status, headers["Location"]) == (307, "https://archive.example.com/gone/x")


def test_conditions_ranges_and_head(browser: Browser) -> None:
    etag = browser.ask("/")[1]["ETag"]
    assert browser.ask("/", If_None_Match=etag)[0] == 304
    status, headers, body = browser.ask("/", Range="bytes=0-3")
    assert (status, headers["Content-Range"], body) == (206, "bytes 0-3/13", b"<h1>")
    status, headers, body = browser.ask("/", "HEAD")
    assert (status, headers["Content-Length"], body) == (200, "13", b"")
    status, _, body = browser.ask("/", "POST")
    assert status == 405
    assert b"<li>Code: MethodNotAllowed</li>" in body


def test_an_object_and_a_whole_bucket_may_redirect(browser: Browser, s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="moved", WebsiteRedirectLocation="/docs/")
    status, headers, _ = browser.ask("/moved")
    assert (status, headers["Location"]) == (301, "/docs/")
    everything = {"RedirectAllRequestsTo": {"HostName": "example.org", "Protocol": "https"}}
    s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration=everything)
    status, headers, _ = browser.ask("/a/b?c=d")
    assert (status, headers["Location"]) == (301, "https://example.org/a/b?c=d")


def test_a_bucket_without_a_website_and_no_bucket(kumoi: Any, bucket: str) -> None:
    status, _, body = Browser(kumoi.url, bucket).ask("/")
    assert status == 404
    assert b"<li>Code: NoSuchWebsiteConfiguration</li>" in body
    status, _, body = Browser(kumoi.url, f"no-{bucket}").ask("/")
    assert (status, b"<li>Code: NoSuchBucket</li>" in body) == (404, True)
    status, _, body = Browser(kumoi.url, bucket).ask("/%FF")
    assert status == 404


def test_large_pages_come_whole(browser: Browser, s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="large.bin", Body=b"x" * 300_000)
    status, _, body = browser.ask("/large.bin")
    assert (status, len(body)) == (200, 300_000)
    assert browser.ask("/large.bin", "HEAD")[1]["Content-Length"] == "300000"
