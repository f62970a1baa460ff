from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_garbage_gets_an_answer_that_is_no_5xx(kumoi_platform: Any, seed: int) -> None:
    spec = importlib.util.spec_from_file_location("api_fuzz", Path(__file__).with_name("api_fuzz.py"))
    assert spec is not None
    assert spec.loader is not None
    fuzz = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fuzz)
    port = int(kumoi_platform.url.rpartition(":")[2])
    fuzz.run(port, requests=600, seed=seed)
