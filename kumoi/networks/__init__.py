"""Networks as they are declared, and what could be reached in them on AWS.

EC2 stores them (`records.py`); whoever has something in a subnet looks there what its calls would meet
(`reaching.py`, by the rules of `reachability.py`). No packet passes through any of it.
"""

from __future__ import annotations

from kumoi.networks.reaching import obstacles
from kumoi.networks.records import Item, items

__all__ = ["Item", "items", "obstacles"]
