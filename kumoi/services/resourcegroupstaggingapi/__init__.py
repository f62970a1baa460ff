"""Resource Groups Tagging API: resources of all services by their tags, and tags of several at once.

Each service tells of its resources (`tagged.py` in its folder), and changes tags by its own calls, on behalf of whoever
asks here. What stacks have made has the tags that say so, whether or not the service keeps those.

Rules: the Resource Groups Tagging API reference.
"""

from __future__ import annotations

from kumoi.doorway import Service

resourcegroupstaggingapi = Service(
    "resourcegroupstaggingapi",
    __name__,
    page="resource-groups",
    authorization="authorization",
)
