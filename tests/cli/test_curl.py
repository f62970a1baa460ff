from __future__ import annotations

import pytest

from kumoi.cli.curl import parse

COMMANDS = [
    ("curl http://d1.cloudfront.net/a%20b?x=1", "GET", "d1.cloudfront.net", "/a%20b", "x=1", ""),
    ("curl -sSL d1.cloudfront.net", "GET", "d1.cloudfront.net", "/", "", ""),
    ("curl -I https://h:4566/x", "HEAD", "h:4566", "/x", "", ""),
    ("curl -X PUT -d a=1 --data b=2 https://h/x", "PUT", "h", "/x", "", "a=1&b=2"),
    ("curl -G -d a=1 'https://h/x?b=2'", "GET", "h", "/x", "b=2&a=1", ""),
    ("curl --data-raw=text https://h/", "POST", "h", "/", "", "text"),
]


@pytest.mark.parametrize(("command", "method", "host", "path", "query", "body"), COMMANDS)
def test_commands(command: str, method: str, host: str, path: str, query: str, body: str) -> None:
    found = parse(command)
    assert (found.method, found.host, found.path, found.query, found.body) == (method, host, path, query, body)


def test_headers() -> None:
    found = parse("curl -H 'X-A: 1' -HX-B:2 -b 'c=d' -A agent -u me:secret --compressed h")
    assert found.headers == [
        ("X-A", "1"),
        ("X-B", "2"),
        ("Cookie", "c=d"),
        ("User-Agent", "agent"),
        ("Authorization", "Basic bWU6c2VjcmV0"),
        ("Accept-Encoding", "deflate, gzip, br"),
        ("Accept", "*/*"),
    ]


@pytest.mark.parametrize("command", ["", "wget x", "curl", "curl -X", "curl --unknown x h", "curl 'open"])
def test_what_is_no_curl_command(command: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse(command)
