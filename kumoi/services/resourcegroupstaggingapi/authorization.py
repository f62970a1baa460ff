"""Which permissions the tagging API's calls need: their action, and for changes what the resource's service asks.

Source: "Actions, resources, and condition keys for Amazon Resource Group Tagging API".
"""

from __future__ import annotations

from kumoi.doorway import Authorization

AUTHORIZATION = Authorization("tag")
