"""Cloud Control API: resources of many services made, read, changed, listed and deleted in one way.

It works over CloudFormation's resource types: those that can be read and listed (`types.py`). A request is carried out
before it is answered, and kept (`requests.py`): whoever polls for it finds it done.

Rules: the Cloud Control API reference and user guide; RFC 6902 for patches.
"""

from __future__ import annotations

from kumoi.doorway import Service

cloudcontrol = Service(
    "cloudcontrol",
    __name__,
    modules=("operations.changes", "operations.reads", "operations.requests"),
    resource=("TypeName",),
    authorization="authorization",
)
