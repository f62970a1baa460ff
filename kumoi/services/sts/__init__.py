"""AWS STS: who am I, and temporary credentials. Rules: the STS API reference.

Credentials are issued by the doorway's identity guard, stateless; this service decides for whom and for how long.
"""

from kumoi.doorway import Service

sts = Service(
    "sts",
    __name__,
    modules=(
        *("operations.assume_role", "operations.identity", "operations.saml", "operations.tokens"),
        "operations.web_identity",
    ),
    resource=("RoleArn",),
    page="iam",
    authorization="authorization",
)
