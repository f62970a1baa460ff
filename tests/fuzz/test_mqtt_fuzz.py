from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest


@pytest.mark.slow
def test_mutated_packets_and_payloads_fail_nothing() -> None:
    spec = importlib.util.spec_from_file_location("mqtt_fuzz", Path(__file__).with_name("mqtt_fuzz.py"))
    assert spec is not None
    assert spec.loader is not None
    fuzz = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fuzz)
    assert fuzz.run(range(1), examples=40) >= 80
