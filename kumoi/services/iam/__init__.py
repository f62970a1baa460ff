"""AWS IAM: roles, users, groups and what they may do, managed policies, access keys, identity providers.

IAM is global: its records belong to an account, not to a region. `effective_policies.py` knows for every call which
policies apply to whoever makes it (docs/iam.md). Rules: the IAM API reference; quotas and unique ids from "IAM and STS
quotas" and "IAM identifiers".
"""

from collections.abc import AsyncIterator

from kumoi.doorway import Hops, Identity, Parts, Service, access_keys
from kumoi.state import State, Transaction, transactional

iam = Service(
    "iam",
    __name__,
    modules=(
        "operations.access_keys",
        "operations.account",
        "operations.groups",
        "operations.instance_profiles",
        "operations.login_profiles",
        "operations.other_credentials",
        "operations.policies",
        "operations.providers",
        "operations.roles",
        "operations.service_linked",
        "operations.simulation",
        "operations.users",
    ),
    resource=(
        *("RoleName", "UserName", "GroupName", "InstanceProfileName", "PolicyArn", "PolicyName"),
        *("OpenIDConnectProviderArn", "SAMLProviderArn"),
    ),
    authorization="authorization",
)


@iam.lifespan
async def run(parts: Parts) -> AsyncIterator[None]:
    """Tell the doorway's authoriser which policies apply to callers."""
    from kumoi.services.iam.effective_policies import EffectivePolicies

    known = parts.add(EffectivePolicies, EffectivePolicies(parts[State]))  # type: ignore[type-abstract]
    parts[Identity].authoriser.source = known
    stop = parts[Hops].follow(known.follow, "iam")
    yield
    stop()


@iam.on_reset
async def reset(parts: Parts, state: State, account: str | None) -> None:
    """Forget the access keys of an account: they are found by id, whatever the account."""
    await _forget_keys(state, account)


@transactional
async def _forget_keys(tx: Transaction, account: str | None) -> None:
    for key in await access_keys.list(tx):
        if account in (None, key.account):
            await access_keys.delete(tx, key.id)
