"""Resource Groups: names for what a query finds, by tags or by the stack that made it.

A group keeps its query (`queries.py`); what it finds is asked of the tagging API whenever somebody looks.

Rules: the Resource Groups API reference and user guide ("Resource queries", "Supported resource types").
"""

from __future__ import annotations

from kumoi.doorway import Service

resource_groups = Service(
    "resource-groups",
    __name__,
    modules=("operations.groups", "operations.members", "operations.tags"),
    resource=("Group", "GroupName", "Name", "Arn"),
    authorization="authorization",
    tagged="tagged",
)
