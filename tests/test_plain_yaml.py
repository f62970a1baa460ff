"""What plain YAML makes of texts that YAML 1.1 guesses about."""

from __future__ import annotations

import time
from typing import Any

import pytest
import yaml

from kumoi.plain_yaml import PlainLoader


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a", "a"),
        ("1", 1),
        ("-12.5e1", -125.0),
        ("true", True),
        ("", None),
        ("[a, {b: 1}]", ["a", {"b": 1}]),
        ("2012-10-17", "2012-10-17"),
        ("2012-10-17T10:00:00Z", "2012-10-17T10:00:00Z"),
        ("yes", "yes"),
        ("010", "010"),
        ("0x1F", "0x1F"),
        ("1:30", "1:30"),
        ("1_000", "1_000"),
        (".inf", ".inf"),
        ("9" * 30, "9" * 30),
        ("{<<: {a: 1}, b: 2}", {"a": 1, "b": 2}),
    ],
)
def test_values(text: str, value: Any) -> None:
    found = yaml.load(text, Loader=PlainLoader)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "text",
    ["!!timestamp 2012-10-17", "!!set {a}", "!!bool x", "!!int a", "!!float ''", "!!python/name:os.system", "!x y"],
)
def test_what_is_refused(text: str) -> None:
    with pytest.raises(yaml.YAMLError):
        yaml.load(text, Loader=PlainLoader)


def test_a_long_number_in_base_60_is_a_text_at_once() -> None:
    long = ":".join(["1"] * 50_000)
    began = time.thread_time()
    assert yaml.load(long, Loader=PlainLoader) == long
    assert time.thread_time() - began < 5
