from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest


@pytest.mark.slow
def test_mutated_requests_get_an_answer_that_is_no_5xx() -> None:
    spec = importlib.util.spec_from_file_location("http_fuzz", Path(__file__).with_name("http_fuzz.py"))
    assert spec is not None
    assert spec.loader is not None
    fuzz = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fuzz)
    assert fuzz.run(range(2)) >= 400
