"""Path patterns of cache behaviours: `*` is any characters, `/` too; `?` exactly one; case counts.

Source: "Path pattern" of the distribution settings reference.
"""

from __future__ import annotations

import re

from kumoi.policy.patterns import expression


def compiled(pattern: str) -> re.Pattern[str]:
    """A pattern as a regular expression over the whole path; the leading slash may be left out of the pattern."""
    return re.compile(expression(pattern if pattern.startswith(("/", "*")) else f"/{pattern}"), re.DOTALL)
