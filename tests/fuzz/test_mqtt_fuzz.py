from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest


@pytest.mark.slow
def test_mutated_packets_and_payloads_fail_nothing(fuzzer: Callable[[str], ModuleType]) -> None:
    fuzz = fuzzer("mqtt_fuzz")
    assert fuzz.run(range(1), examples=40) >= 80
