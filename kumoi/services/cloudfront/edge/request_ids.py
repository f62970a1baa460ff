"""The ids of requests at the edge, as X-Amz-Cf-Id and the logs show them: 54 characters of base64, made by the hundred.

Asking the system for random bytes costs as much as all else that is done for one hit, and for many no more.
"""

from __future__ import annotations

import base64
import os

_LENGTH = 54
_AT_ONCE = 128


class RequestIds:
    """Ids that nobody can foresee."""

    def __init__(self) -> None:
        self._left: list[str] = []

    def next(self) -> str:
        """One more."""
        if not self._left:
            text = base64.b64encode(os.urandom(_AT_ONCE * _LENGTH * 3 // 4)).decode()
            self._left = [f"{text[start : start + _LENGTH]}==" for start in range(0, _AT_ONCE * _LENGTH, _LENGTH)]
        return self._left.pop()
