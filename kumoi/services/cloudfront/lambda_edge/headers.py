"""Headers that functions at the edge do not see, and those that they must leave as they are.

Source: "Restrictions on edge functions" of the guide.
"""

from __future__ import annotations

READ_ONLY = {
    "viewer-request": frozenset(("content-length", "host", "transfer-encoding", "via")),
    "origin-request": frozenset(
        (
            *("accept-encoding", "content-length", "if-modified-since", "if-none-match", "if-range"),
            *("if-unmodified-since", "transfer-encoding", "via"),
        )
    ),
    "origin-response": frozenset(("transfer-encoding", "via")),
    "viewer-response": frozenset(("warning", "via")),
}
