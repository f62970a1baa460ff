"""AWS KMS: keys that encrypt, sign and authenticate, and never leave the platform.

A key is one record; its key material, sealed with the platform's master key, is another for each rotation
(`material.py`). Symmetric ciphertexts name their key and its material (`ciphertext.py`), so that Decrypt finds both.
Deletions, rotations and the expiry of imported material are timers of the platform's clock. Multi-region keys have a
record in each region, all changed in one transaction (`regions.py`).

Rules: the KMS API reference and developer guide, and recorded answers of the service.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from kumoi.doorway import Parts, Service

kms = Service(
    "kms",
    __name__,
    modules=(
        "operations.agreement",
        "operations.aliases",
        "operations.data_keys",
        "operations.deletion",
        "operations.encryption",
        "operations.grants",
        "operations.imports",
        "operations.keys",
        "operations.macs",
        "operations.policies",
        "operations.regions",
        "operations.rotation",
        "operations.signing",
        "operations.tags",
    ),
    resource=("KeyId", "TargetKeyId", "AliasName", "DestinationKeyId"),
    authorization="authorization",
    held="held",
    tagged="tagged",
)


@kms.resource_name
def key_node(value: str) -> str:
    """The key's id, or an alias with its prefix, out of an ARN where it is one."""
    resource = value.rpartition(":")[2] if value.startswith("arn:") else value
    return resource.removeprefix("key/")


@kms.lifespan
async def run(parts: Parts) -> AsyncIterator[None]:
    """Have keys rotated and deleted, and imported material expire, while the platform runs."""
    from kumoi.services.kms.lifespan import register

    register(parts)
    yield
