"""Path patterns of cache behaviours: `*` is any characters, `/` too; `?` exactly one; case counts.

Paths are matched as RFC 3986 normalises them, so that none leads around a behaviour: without dot segments, several
slashes as one, and with nothing percent-encoded that need not be. Keys and origins have them as they were sent. Source:
"Path pattern" of the distribution settings reference, "How CloudFront processes requests" on normalising URI paths.
"""

from __future__ import annotations

import re

from kumoi.policy.patterns import expression

_ENCODED = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")


def compiled(pattern: str) -> re.Pattern[str]:
    """A pattern as a regular expression over the whole path; the leading slash may be left out of the pattern."""
    text = pattern if pattern.startswith(("/", "*")) else f"/{pattern}"
    return re.compile(expression(_decoded(text)), re.DOTALL)


def normalized(path: str) -> str:
    """A path as it is matched."""
    if "%" in path:
        path = _decoded(path)
    if "//" in path:
        path = re.sub(r"/{2,}", "/", path)
    return _without_dots(path) if "/." in path else path


def _decoded(path: str) -> str:
    """Without percent-encoding where it means nothing, in capitals where it does."""
    return _ENCODED.sub(_character, path)


def _character(match: re.Match[str]) -> str:
    character = chr(int(match[1], 16))
    return character if _UNRESERVED.fullmatch(character) else f"%{match[1].upper()}"


def _without_dots(path: str) -> str:
    """By section 5.2.4: `.` and `..` as segments mean what they mean in directories; none leads above the root."""
    segments = path.split("/")[1:]
    kept: list[str] = []
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)
