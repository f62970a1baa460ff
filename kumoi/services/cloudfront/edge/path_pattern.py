"""Path patterns of cache behaviours: `*` is any characters, `/` too; `?` exactly one; case counts.

Source: "Path pattern" of the distribution settings reference.
"""

from __future__ import annotations

import re


def compiled(pattern: str) -> re.Pattern[str]:
    """A pattern as a regular expression over the whole path; the leading slash may be left out of the pattern."""
    text = pattern if pattern.startswith(("/", "*")) else f"/{pattern}"
    translated = "".join(".*" if one == "*" else "." if one == "?" else re.escape(one) for one in _collapsed(text))
    return re.compile(translated, re.DOTALL)


def _collapsed(text: str) -> str:
    """Runs of `*` as one: they mean the same and match in reasonable time."""
    return re.sub(r"\*+", "*", text)
