"""Prices: what things cost, by region, each figure with its date, its source and whether it was verified. Pure.

`aws.toml` is Kumoi's own list of AWS's prices, `alternatives.toml` what they are compared with. A list read from
AWS's bulk price files (`bulk.py`) goes over it. Nothing here knows what was metered.
"""

from kumoi.prices.price_list import (
    EVERYWHERE,
    NOTHING,
    UNVERIFIED_MARGIN,
    Figure,
    Item,
    Pool,
    PriceList,
    PricesInvalid,
    Range,
)
from kumoi.prices.shipped import alternatives, aws

__all__ = [
    "EVERYWHERE",
    "NOTHING",
    "UNVERIFIED_MARGIN",
    "Figure",
    "Item",
    "Pool",
    "PriceList",
    "PricesInvalid",
    "Range",
    "alternatives",
    "aws",
]
