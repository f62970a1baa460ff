"""AWS IAM, the part that roles and keys need: roles with their policies, managed policies, users and access keys.

Policies are stored and answered; nothing evaluates them yet (docs/iam.md). IAM is global: its records belong to an
account, not to a region. Rules: the IAM API reference; quotas and unique ids from "IAM and STS quotas" and "IAM
identifiers".
"""

from kumoi.doorway import Service

iam = Service(
    "iam",
    __name__,
    modules=("operations.access_keys", "operations.policies", "operations.roles", "operations.users"),
    resource=("RoleName", "UserName", "PolicyArn", "PolicyName"),
)
