"""ExecutePolicy: how CloudWatch has a policy carried out. The platform's own, not in the API."""

from __future__ import annotations

from kumoi.doorway import Call
from kumoi.services.application_autoscaling import application_autoscaling
from kumoi.services.application_autoscaling.naming import parse_policy
from kumoi.services.application_autoscaling.records import Policy, policies
from kumoi.services.application_autoscaling.scaling import Fired, Scaling
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error


@application_autoscaling.operation(name="ExecutePolicy")
async def execute_policy(
    call: Call, PolicyARN: str, AlarmName: str, StateValue: str, Threshold: float, Points: list[float]
) -> None:
    """Scale as a policy says, for an alarm in a state; `Points` are its data points, the newest last."""
    namespace, resource, name = parse_policy(PolicyARN)
    policy = await _find(call.state, namespace, resource, name, PolicyARN)
    call.node = application_autoscaling.named(resource)
    fired = Fired(AlarmName, StateValue, Threshold, Points)
    await call.part(Scaling).execute(call.state, policy.of, name, fired)


@transactional
async def _find(tx: Transaction, namespace: str, resource: str, name: str, arn: str) -> Policy:
    for one in await policies.list(tx, namespace, resource):
        if one.name == name and one.arn(tx.account, tx.region) == arn:
            return one
    raise aws_error("ObjectNotFoundException", f"No scaling policy found for ARN: {arn}")
