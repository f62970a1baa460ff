"""What IoT Core stores. Times are epoch seconds."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.state import Transaction
from kumoi.state.space import Space


class Thing(msgspec.Struct, frozen=True, kw_only=True):
    """A thing of the registry."""

    name: str
    id: str
    type: str | None = None
    attributes: dict[str, str] = {}
    version: int = 1


class ThingType(msgspec.Struct, frozen=True, kw_only=True):
    """A type of things."""

    name: str
    id: str
    created: float
    properties: dict[str, Any] = {}
    deprecated: float | None = None


class TopicRule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule: its statement and what follows, as it was said."""

    name: str
    created: float
    sql: str
    actions: list[dict[str, Any]]
    description: str | None = None
    disabled: bool = False
    version: str = "2015-10-08"
    error_action: dict[str, Any] | None = None


class Shadow(msgspec.Struct, frozen=True, kw_only=True):
    """A thing's shadow; `name` is "" for the classic one. One that was deleted keeps its version, and no state."""

    thing: str
    name: str
    version: int
    updated: float
    desired: dict[str, Any] = {}
    reported: dict[str, Any] = {}
    desired_at: dict[str, Any] = {}
    reported_at: dict[str, Any] = {}
    deleted: bool = False


class Retained(msgspec.Struct, frozen=True, kw_only=True):
    """The message that a topic retains."""

    topic: str
    payload: bytes
    qos: int
    updated: float
    user_properties: list[tuple[str, str]] = []


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """An MQTT session that outlives its connection for `expiry` seconds; `left` is when the client went, if it has."""

    client: str
    expiry: int
    subscriptions: dict[str, int] = {}
    left: float | None = None


class Queued(msgspec.Struct, frozen=True, kw_only=True):
    """A message that a session is to get and has not acknowledged yet."""

    client: str
    seq: int
    topic: str
    payload: bytes
    properties: dict[str, Any] = {}


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """A device's certificate. `id` is the SHA-256 of its DER form, `ca` the id of the registered CA that issued it."""

    id: str
    pem: str
    status: str
    created: float
    modified: float
    not_before: float
    not_after: float
    ca: str | None = None
    mode: str = "DEFAULT"
    version: int = 1


class Owner(msgspec.Struct, frozen=True):
    """In which place a certificate is registered: a device tells its certificate and no account.

    `anchor` is the certificate in PEM where TLS cannot know it from another one: of a CA, and of what was registered.
    """

    certificate: str
    account: str
    region: str
    anchor: str = ""
    is_ca: bool = False


class CaCertificate(msgspec.Struct, frozen=True, kw_only=True):
    """A CA whose certificates devices may show; `registers` says that unknown ones are registered when they come."""

    id: str
    pem: str
    subject: str
    status: str
    created: float
    modified: float
    not_before: float
    not_after: float
    registers: bool = False
    mode: str = "DEFAULT"
    version: int = 1


class Issuer(msgspec.Struct, frozen=True):
    """The authority that issues the certificates which IoT makes itself; its key is sealed."""

    pem: str
    key: bytes


class PolicyVersion(msgspec.Struct, frozen=True):
    """A version of a policy: its document, as it was given."""

    id: str
    document: str
    created: float


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """A policy of devices; `made` counts the versions it ever had."""

    name: str
    created: float
    modified: float
    versions: tuple[PolicyVersion, ...]
    default: str = "1"
    made: int = 1

    def version(self, version_id: str) -> PolicyVersion | None:
        """The version of that id."""
        return next((one for one in self.versions if one.id == version_id), None)


class Attachment(msgspec.Struct, frozen=True):
    """A policy hangs on a certificate, a Cognito identity or a group of things."""

    target: str
    policy: str


class ThingPrincipal(msgspec.Struct, frozen=True):
    """A certificate or a Cognito identity speaks for a thing, for it alone where the kind is EXCLUSIVE_THING."""

    thing: str
    principal: str
    kind: str = "NON_EXCLUSIVE_THING"


class ThingGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A group of things, below another one or at the top."""

    name: str
    id: str
    created: float
    parent: str | None = None
    description: str | None = None
    attributes: dict[str, str] = {}
    version: int = 1


class Member(msgspec.Struct, frozen=True):
    """A thing is in a group."""

    group: str
    thing: str


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """Something that things are to do. `timeout` is how many minutes one may take, once it has begun.

    `rollout`, `retries` and `aborts` are as they were given: how fast it reaches its things, how often one that fails
    tries again, and when it is given up.
    """

    id: str
    created: float
    updated: float
    targets: tuple[str, ...]
    document: str
    source: str | None = None
    description: str | None = None
    selection: str = "SNAPSHOT"
    status: str = "IN_PROGRESS"
    completed: float | None = None
    reason: str | None = None
    comment: str | None = None
    forced: bool = False
    timeout: int | None = None
    rollout: dict[str, Any] | None = None
    retries: list[dict[str, Any]] = []
    aborts: list[dict[str, Any]] = []


class Execution(msgspec.Struct, frozen=True, kw_only=True):
    """A job of one thing. `due` is when it times out, `retry` how often it has been tried again."""

    job: str
    thing: str
    queued: float
    updated: float
    status: str = "QUEUED"
    started: float | None = None
    number: int = 1
    version: int = 1
    details: dict[str, str] = {}
    forced: bool = False
    due: float | None = None
    retry: int = 0


class Tally(msgspec.Struct, frozen=True):
    """How many executions of a job are in which state."""

    job: str
    counts: dict[str, int]

    @property
    def total(self) -> int:
        """How many there are."""
        return sum(self.counts.values())

    def changed(self, before: str | None, after: str | None) -> Tally:
        """With an execution in the state `after` in place of one in the state `before`; None: there is none."""
        counts = dict(self.counts)
        for status, more in ((before, -1), (after, 1)):
            if status is not None:
                counts[status] = counts.get(status, 0) + more
        return Tally(self.job, counts)


class Rolling(msgspec.Struct, frozen=True):
    """A job reaches some of its things each minute: the next ones are `due` then."""

    job: str
    due: float


class TemplateVersion(msgspec.Struct, frozen=True):
    """A version of a provisioning template: its body, as it was given."""

    id: int
    body: str
    created: float


class ProvisioningTemplate(msgspec.Struct, frozen=True, kw_only=True):
    """How devices of a fleet are made known; `hook` is the function that is asked first, `made` counts versions."""

    name: str
    created: float
    modified: float
    role: str
    versions: tuple[TemplateVersion, ...]
    description: str | None = None
    enabled: bool = False
    default: int = 1
    made: int = 1
    hook: dict[str, str] | None = None

    def version(self, version_id: int) -> TemplateVersion | None:
        """The version of that id."""
        return next((one for one in self.versions if one.id == version_id), None)


class Claim(msgspec.Struct, frozen=True):
    """A certificate that lets devices be provisioned by one template, `until` then."""

    certificate: str
    template: str
    until: float


class Ownership(msgspec.Struct, frozen=True):
    """A device that holds this token was given that certificate; `until` it has to have provisioned itself."""

    token: str
    certificate: str
    until: float


class Tags(msgspec.Struct, frozen=True):
    """The tags of a resource."""

    arn: str
    tags: dict[str, str]


OWNERSHIP_ENDS, CLAIM_ENDS = "iot.ownership.ends", "iot.claim.ends"
"""The timers of an Ownership and of a Claim."""
ROLL_OUT, ABORT = "iot.job.roll", "iot.job.abort"
"""The timers of a job that reaches its next things, and of one that may be given up."""

things: Space[Thing] = Space("iot.thing", Thing, lambda thing: (thing.name,))
thing_types: Space[ThingType] = Space("iot.type", ThingType, lambda kind: (kind.name,))
rules: Space[TopicRule] = Space("iot.rule", TopicRule, lambda rule: (rule.name,))
shadows: Space[Shadow] = Space("iot.shadow", Shadow, lambda shadow: (shadow.thing, shadow.name))
retained: Space[Retained] = Space("iot.retained", Retained, lambda message: (message.topic,))
sessions: Space[Session] = Space("iot.session", Session, lambda session: (session.client,))
queued: Space[Queued] = Space("iot.queued", Queued, lambda one: (one.client, one.seq))
certificates: Space[Certificate] = Space("iot.certificate", Certificate, lambda one: (one.id,))
owners: Space[Owner] = Space("iot.owner", Owner, lambda one: (one.certificate, one.account, one.region), scope="global")
anchors: Space[Owner] = Space(
    "iot.anchor", Owner, lambda one: (one.certificate, one.account, one.region), scope="global"
)
"""The owners that have an anchor: few, where certificates are many."""
ca_certificates: Space[CaCertificate] = Space("iot.ca", CaCertificate, lambda one: (one.id,))
issuers: Space[Issuer] = Space("iot.issuer", Issuer, lambda _: (), scope="global")
policies: Space[Policy] = Space("iot.policy", Policy, lambda one: (one.name,))
attachments: Space[Attachment] = Space("iot.attached", Attachment, lambda one: (one.target, one.policy))
targets: Space[Attachment] = Space("iot.target", Attachment, lambda one: (one.policy, one.target))
thing_principals: Space[ThingPrincipal] = Space("iot.principal", ThingPrincipal, lambda one: (one.thing, one.principal))
principal_things: Space[ThingPrincipal] = Space(
    "iot.principal.thing", ThingPrincipal, lambda one: (one.principal, one.thing)
)
thing_groups: Space[ThingGroup] = Space("iot.group", ThingGroup, lambda one: (one.name,))
members: Space[Member] = Space("iot.member", Member, lambda one: (one.group, one.thing))
memberships: Space[Member] = Space("iot.membership", Member, lambda one: (one.thing, one.group))
templates: Space[ProvisioningTemplate] = Space("iot.template", ProvisioningTemplate, lambda one: (one.name,))
claims: Space[Claim] = Space("iot.claim", Claim, lambda one: (one.certificate,))
ownerships: Space[Ownership] = Space("iot.ownership", Ownership, lambda one: (one.token,))
tagged: Space[Tags] = Space("iot.tags", Tags, lambda one: (one.arn,))
jobs: Space[Job] = Space("iot.job", Job, lambda job: (job.id,))
executions: Space[Execution] = Space("iot.execution", Execution, lambda one: (one.thing, one.job))
job_waiting: Space[Member] = Space("iot.job.waiting", Member, lambda one: (one.group, one.thing))
job_tallies: Space[Tally] = Space("iot.job.tally", Tally, lambda one: (one.job,))
rolling: Space[Rolling] = Space("iot.job.rolling", Rolling, lambda one: (one.job,))
job_things: Space[Member] = Space("iot.job.thing", Member, lambda one: (one.group, one.thing))


async def own(tx: Transaction, owner: Owner) -> None:
    """Keep whose a certificate is."""
    await owners.put(tx, owner)
    if owner.anchor:
        await anchors.put(tx, owner)


async def disown(tx: Transaction, certificate: str, account: str, region: str) -> None:
    """Forget whose a certificate is."""
    await owners.delete(tx, certificate, account, region)
    await anchors.delete(tx, certificate, account, region)
