from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest


@pytest.mark.slow
def test_mutated_frames_fail_nothing(fuzzer: Callable[[str], ModuleType]) -> None:
    fuzz = fuzzer("http2_fuzz")
    assert fuzz.run(range(2)) >= 200
