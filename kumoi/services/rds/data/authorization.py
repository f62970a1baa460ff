"""Which permissions the calls of the Data API need: on the cluster, and to read the secret that opens it.

Source: "Actions, resources, and condition keys for Amazon RDS Data API" of the service authorization reference.
"""

from __future__ import annotations

from collections.abc import Iterator

from kumoi.doorway import Ask, Authorization, Call
from kumoi.doorway.authorization import EVERYTHING


def with_secret(call: Call) -> Iterator[Ask]:
    """The cluster, and the secret."""
    yield Ask(AUTHORIZATION.action(call.operation), str(call.params.get("resourceArn", EVERYTHING)))
    secret = call.params.get("secretArn")
    if isinstance(secret, str):
        yield Ask("secretsmanager:GetSecretValue", secret)


_OPERATIONS = (
    *("ExecuteStatement", "BatchExecuteStatement", "BeginTransaction", "CommitTransaction", "RollbackTransaction"),
)

AUTHORIZATION = Authorization("rds-data", asks=dict.fromkeys(_OPERATIONS, with_secret))
