"""The lists that come with Kumoi, read when they are first asked for."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

from kumoi.prices.price_list import PriceList


@cache
def aws() -> PriceList:
    """AWS's prices."""
    return _read("aws.toml")


@cache
def alternatives() -> PriceList:
    """The prices of containers, virtual machines and a Firebase-style list."""
    return _read("alternatives.toml")


def _read(name: str) -> PriceList:
    return PriceList.parse(tomllib.loads((files("kumoi.prices") / name).read_text()))
