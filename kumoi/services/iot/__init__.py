"""AWS IoT Core: things and their shadows, messages published over MQTT and HTTPS, and rules that act on them.

`iot` is the control plane (the registry, topic rules, jobs), `iot_data` the data plane (Publish, shadows, retained
messages), `iot_jobs_data` what devices ask about their jobs.
A message is evaluated by every rule whose filter means its topic (`kumoi/iot_sql`); each action of a rule is a delivery
that is stored before the publisher is answered (`rule_engine.py`), and `actions.py` makes its call. `mqtt/` is the
broker.

Rules: the AWS IoT API reference and developer guide.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from kumoi.doorway import Parts, Service
from kumoi.state import State

iot = Service(
    "iot",
    __name__,
    modules=(
        "operations.authorizers",
        "operations.authorizing",
        "operations.ca_certificates",
        "operations.certificates",
        "operations.credentials_plane",
        "operations.endpoint",
        "operations.job_executions",
        "operations.jobs",
        "operations.policies",
        "operations.policy_attachments",
        "operations.provisioning_templates",
        "operations.register_thing",
        "operations.role_aliases",
        "operations.rules",
        "operations.tags",
        "operations.thing_groups",
        "operations.thing_principals",
        "operations.thing_types",
        "operations.things",
    ),
    resource=(
        *("thingName", "ruleName", "thingTypeName", "policyName", "thingGroupName", "certificateId", "jobId"),
        *("templateName", "authorizerName", "roleAlias"),
    ),
    data_planes=("iot-credentials",),
    authorization="authorization",
)
iot_data = Service(
    "iot-data",
    __name__,
    modules=("operations.mqtt", "operations.publish", "operations.retained", "operations.shadows"),
    resource=("thingName", "topic"),
    data_planes=("iot-mqtt",),
    authorization="message_authorization",
    page="iot",
)
iot_jobs_data = Service(
    "iot-jobs-data",
    __name__,
    modules=("operations.device_jobs",),
    resource=("thingName",),
    authorization="jobs_authorization",
    page="iot",
)


@iot_data.resource_name
def topic_node(value: str) -> str:
    """The topic, or the thing."""
    return value


@iot.lifespan
async def run(parts: Parts) -> AsyncIterator[None]:
    """Keep rules acting while the platform runs."""
    from kumoi.services.iot.lifespan import running

    async with running(parts):
        yield


@iot.on_reset
async def reset(parts: Parts, state: State, account: str | None) -> None:
    """Drop the actions of what is being forgotten."""
    from kumoi.services.iot.device_policies import DevicePolicies
    from kumoi.services.iot.operations.authorizers import forget_places
    from kumoi.services.iot.operations.certificates import disown_all
    from kumoi.services.iot.rule_engine import RuleEngine
    from kumoi.services.iot.trust_anchors import TrustAnchors

    await disown_all(state, account)
    await forget_places(state, account)
    parts[DevicePolicies].forget()
    parts[TrustAnchors].forget()
    await parts[RuleEngine].forget(account)
