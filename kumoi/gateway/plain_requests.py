"""What makes a request plain: it can be told by its bytes where it ends, and that it is HTTP/1.1 and nothing else.

What is kept for requests by their bytes (`repeats.py`, `known_heads.py`) is kept for such alone.
"""

from __future__ import annotations

from collections.abc import Mapping

PATH = rb"[!$%&'()*+,\-./0-9:;=@A-Z_a-z~]"
QUERY = rb"[!$%&'()*+,\-./0-9:;=?@A-Z_a-z~]"
"""Patterns of the characters that a URL can have there; a fragment is no part of a request's target."""

_MORE = frozenset({"expect", "te", "trailer", "transfer-encoding", "upgrade", "keep-alive", "proxy-connection"})
"""Fields by which a request is more than a head and a body of so many bytes, or its connection's end is another."""


def is_plain(index: Mapping[str, str]) -> bool:
    """Whether header fields, by lower-case name, say nothing of another framing, another protocol or an end."""
    return _MORE.isdisjoint(index) and index.get("connection", "keep-alive").lower() == "keep-alive"
