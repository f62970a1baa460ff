"""What may be shown of a payload: everything but secrets, which are known by their names and by what they look like.

By name: members, pairs of a name and a value, assignments in texts. By look: tokens that say what they are (JWTs,
`Bearer …`, private keys in PEM, passwords in URLs, signatures of presigned ones, tokens with their vendor's prefix).
JSON inside texts is looked through as JSON.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import orjson

HIDDEN = "•••"

_SECRET = re.compile(
    r"authorization|passw|plaintext|pwd|secret|cookie|token|api[-_]?key|access[-_]?key$|private[-_]?key|credential|signature"
    r"|x-amz-security",
    re.IGNORECASE,
)
_NOT_SECRET = frozenset(
    [
        "nexttoken",
        "clienttoken",
        "clientrequesttoken",
        "sequencetoken",
        "nextsequencetoken",
        "continuationtoken",
        "messagededuplicationid",
        "secretid",
        "secretarn",
        "nextforwardtoken",
        "nextbackwardtoken",
    ]
)
_PAIRS = (("Name", "Value"), ("name", "value"), ("Key", "Value"), ("key", "value"), ("ParameterKey", "ParameterValue"))
"""Members of which one says what the other is."""

_LOOKS = re.compile(
    r"""
      (?<![\w-])(?=[\w-]*?eyJ)[\w-]{11,}+\.[\w-]{8,}(?:\.[\w-]*)?                   # a JWT
    | (?<=bearer[ ])[\w+/.~=-]{8,} | (?<=basic[ ])[\w+/=-]{8,}                       # HTTP's Authorization
    | (?<=PRIVATE[ ]KEY-----)[^-]+                                                  # PEM
    | (?<=://)[^\s/:@]{1,256}:[^\s/@]{1,256}(?=@)                                    # user:password@host
    | (?<=x-amz-signature=)[^&\s"]+ | (?<=x-amz-security-token=)[^&\s"]+             # a presigned URL
    | (?<=x-amz-credential=)[^&\s"]+
    | \b(?:gh[pousr]_|github_pat_|glpat-|xox[abprs]-|sk_live_|rk_live_|sk-|whsec_|npm_|AIza)[\w-]{16,}
    | (?<![\w-])(?=[\w-]*?(?:passw|pwd|secret|token|api[-_]?key))[\w-]++=(?P<assigned>[^\s&;,"']+)
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""Each begins where a word does and never goes back in it: what is looked through may come from anywhere."""


def redacted(value: Any, name: str = "") -> Any:
    """A JSON value without secrets: by the names of members, of pairs of a name and a value, also inside JSON as text.

    The value of an SSM parameter that is a SecureString is one whatever its name.
    """
    if _secret(name) and value not in (None, "", [], {}):
        return HIDDEN
    if isinstance(value, dict):
        named = {of: value[says] for says, of in _PAIRS if of in value and isinstance(value.get(says), str)}
        if value.get("Type") == "SecureString":
            named["Value"] = "secret"
        return {
            key: redacted(inner, named[key] if _secret(named.get(key, "")) else str(key))
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [redacted(inner) for inner in value]
    if isinstance(value, str):
        return _text(value)
    return value


def secrets_in(text: str) -> list[str]:
    """The parts of a text that are hidden for what they look like, in order."""
    return [text[start:end] for start, end in _parts(text)]


def _text(text: str) -> str:
    if text[:1] in "{[" and len(text) > 1:
        try:
            return orjson.dumps(redacted(orjson.loads(text))).decode()
        except orjson.JSONDecodeError:
            pass
        except (orjson.JSONEncodeError, RecursionError):
            return HIDDEN  # too deep to be looked through
    shown, at = [], 0
    for start, end in _parts(text):
        shown += [text[at:start], HIDDEN]
        at = end
    return "".join([*shown, text[at:]])


def _parts(text: str) -> Iterator[tuple[int, int]]:
    for found in _LOOKS.finditer(text):
        group = "assigned" if found["assigned"] is not None else 0
        if group == 0 or not found[0].lower().startswith(tuple(f"{one}=" for one in _NOT_SECRET)):
            yield found.span(group)


def _secret(name: str) -> bool:
    return bool(name) and _SECRET.search(name) is not None and name.lower() not in _NOT_SECRET
