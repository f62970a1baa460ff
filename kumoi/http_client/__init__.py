"""Requests to HTTP endpoints outside of the platform: subscriptions, API destinations, integrations, origins, issuers.

`client.py` sends them, each over a connection of its own (`connection.py`); what an address is stands in `address.py`.
"""

from kumoi.http_client.address import is_metadata
from kumoi.http_client.client import HttpClient
from kumoi.http_client.connection import HttpAnswer, Unreachable

__all__ = ["HttpAnswer", "HttpClient", "Unreachable", "is_metadata"]
