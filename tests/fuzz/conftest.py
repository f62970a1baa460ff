"""The fuzzers of this folder, as tests run them: each is a script, and imports what they share from beside it."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture
def fuzzer(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """The module of a fuzzer, by its name."""
    monkeypatch.syspath_prepend(Path(__file__).parent)
    return importlib.import_module
