"""Which permissions Application Auto Scaling's calls need: on scalable targets by their ARNs where a call names one.

Source: "Actions, resources, and condition keys for AWS Application Auto Scaling" of the service authorization
reference.
"""

from __future__ import annotations

from collections.abc import Sequence

from kumoi.doorway import Ask, Authorization, Call, Owned
from kumoi.doorway.authorization import EVERYTHING, resource_tags
from kumoi.services.application_autoscaling.records import Dimensioned, Target, targets
from kumoi.state import Transaction, transactional

_NAMING = ("ServiceNamespace", "ResourceId", "ScalableDimension")


def resource(call: Call) -> str:
    """The ARN of a target that a call names; targets that it names by their resource have one that `owned` finds."""
    arn = call.params.get("ResourceARN")
    return str(arn) if isinstance(arn, str) else EVERYTHING


def context(call: Call) -> dict[str, Sequence[str]]:
    """The condition keys that a request sets."""
    params = call.params
    found: dict[str, Sequence[str]] = {
        f"application-autoscaling:{name}": (str(params[member]),)
        for member, name in (("ServiceNamespace", "service-namespace"), ("ScalableDimension", "scalable-dimension"))
        if member in params
    }
    tags = params.get("Tags")
    if isinstance(tags, dict):
        found |= {f"aws:requesttag/{str(name).lower()}": (str(value),) for name, value in tags.items()}
        found["aws:tagkeys"] = tuple(map(str, tags))
    return found


@transactional
async def _target(tx: Transaction, of: Dimensioned) -> Target | None:
    return await targets.get(tx, *of)


async def owned(call: Call, ask: Ask) -> Owned:
    """The ARN and the tags of the target that a call names by its resource."""
    names = [call.params.get(member) for member in _NAMING]
    if ask.resource != EVERYTHING or not all(isinstance(one, str) for one in names):
        return Owned(call.account)
    target = await _target(call.state, Dimensioned(*map(str, names)))
    if target is None:
        return Owned(call.account)
    return Owned(call.account, (), target.arn(call.account, call.region), resource_tags(target.tags))


AUTHORIZATION = Authorization("application-autoscaling", resource=resource, context=context, policy=owned)
