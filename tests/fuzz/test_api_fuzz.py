from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_garbage_gets_an_answer_that_is_no_5xx(
    fuzzer: Callable[[str], ModuleType], kumoi_platform: Any, seed: int
) -> None:
    fuzz = fuzzer("api_fuzz")
    port = int(kumoi_platform.url.rpartition(":")[2])
    fuzz.run(port, requests=600, seed=seed)
