"""Channels: which texts are some, and whose subscription covers which."""

from __future__ import annotations

import pytest

from kumoi.services.appsync.event_apis.channels import BadChannel, channel


@pytest.mark.parametrize("text", ["/a", "a/b", "/a/b/c/d/e", "/a-1/B2", "/a/b/"])
def test_channels(text: str) -> None:
    assert channel(text).path.strip("/") == text.strip("/")


@pytest.mark.parametrize(
    "text", ["", "/", "//a", "/a//b", "/a/b/c/d/e/f", "/a_b", "/-a", "/a b", "/" + "x" * 51, 7, None, "/a/*"]
)
def test_what_is_no_channel(text: object) -> None:
    with pytest.raises(BadChannel):
        channel(text)


def test_wildcards() -> None:
    assert channel("/a/*", wildcard=True).path == "/a/*"
    for text in ("/*", "/a/*/b", "/a/b*"):
        with pytest.raises(BadChannel):
            channel(text, wildcard=True)
    assert channel("/a/b/c").covering() == ["/a/b/c", "/a/*", "/a/b/*"]
    assert channel("/a").covering() == ["/a"]
