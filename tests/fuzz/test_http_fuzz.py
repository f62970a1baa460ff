from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest


@pytest.mark.slow
def test_mutated_requests_get_an_answer_that_is_no_5xx(fuzzer: Callable[[str], ModuleType]) -> None:
    fuzz = fuzzer("http_fuzz")
    assert fuzz.run(range(2)) >= 400
