"""What devices may do: the policies of their certificates and of the groups that their things are in.

The doorway's authoriser asks here for callers that are devices, as it asks IAM for everybody else. Those whom a custom
authorizer has let in have the policies that it has given them. A Cognito
identity that has signed in needs both: IAM's policies of its role, and IoT's that hang on itself (source:
"Authorization with Amazon Cognito identities" of the developer guide). What was read is remembered until something of
IoT's registry changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import orjson

from kumoi.doorway import Call, Principal, Session
from kumoi.doorway.authoriser import IdentityPolicies
from kumoi.names import Arn, arn
from kumoi.policy import Caller, Policy, PolicyError, compile_policy
from kumoi.services.iot.operations.policy_attachments import groups_above
from kumoi.services.iot.records import (
    Certificate,
    attachments,
    claims,
    memberships,
    policies,
    principal_things,
    things,
)
from kumoi.services.iot.x509_certificates import policy_variables
from kumoi.state import State, Transaction, transactional

MOST = 10_000
THING = "iot:connection.thing.thingname"
COGNITO = "cognito-identity.amazonaws.com"
_READS = ("Describe", "List", "Get", "Test", "Search")


class DevicePolicies:
    """The policies of devices, by who they are."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._known: dict[tuple[str, str], IdentityPolicies] = {}
        self._changes = 0

    async def of(self, principal: Principal) -> IdentityPolicies:
        """The policies of a certificate in its connection as a thing, or those that a custom authorizer has given."""
        given = None if principal.session is None else principal.session.policies
        key = principal.arn, thing_of(principal) if given is None else "\n".join(given)
        found = self._known.get(key)
        if found is None:
            changes = self._changes
            named = Arn.parse(principal.arn)
            state = self._state.at(named.account, named.region)
            if given is None:
                texts = {**await effective(state, *key), **await claimed(state, principal.id)}
            else:
                texts = {f"policy {number}": text for number, text in enumerate(given, 1)}
            found = IdentityPolicies(Caller(named.account, principal.arn), compiled(texts))
            self._keep(key, found, changes)
        return found

    async def of_identity(self, account: str, region: str, identity: str, thing: str) -> Sequence[Policy]:
        """The policies that hang on a Cognito identity in a place, in its connection as a thing."""
        key = f"{account}/{region}/{identity}", thing
        found = self._known.get(key)
        if found is None:
            changes = self._changes
            texts = await effective(self._state.at(account, region), identity, thing)
            found = IdentityPolicies(Caller(account), compiled(texts))
            self._keep(key, found, changes)
        return found.identity

    def _keep(self, key: tuple[str, str], found: IdentityPolicies, changes: int) -> None:
        if changes == self._changes:
            if len(self._known) >= MOST:
                self._known.clear()
            self._known[key] = found

    def follow(self, operation: str) -> None:
        """Read everything anew after a call of IoT that may have changed something."""
        if not operation.startswith(_READS):
            self.forget()

    def forget(self) -> None:
        """Read everything anew."""
        self._changes += 1
        self._known.clear()


def device(certificate: Certificate, account: str, region: str, context: dict[str, tuple[str, ...]]) -> Principal:
    """Who a device is that has shown a certificate; `context` holds the policy variables of its connection."""
    name = arn("iot", region, account, f"cert/{certificate.id}")
    session = Session(issued=certificate.created, context=tuple(context.items()))
    return Principal(account, name, certificate.id, session=session, region=region)


def thing_of(principal: Principal) -> str:
    """The thing that a device is connected as, if it is one of its own."""
    context = dict(principal.session.context) if principal.session is not None else {}
    return context.get(THING, ("",))[0]


def cognito_identity(principal: Principal) -> str | None:
    """The Cognito identity that a caller is, if it has signed in: others need no policies of IoT's."""
    context = dict(principal.session.context) if principal.session is not None else {}
    if "authenticated" not in context.get(f"{COGNITO}:amr", ()):
        return None
    return next(iter(context.get(f"{COGNITO}:sub", ())), None)


async def policies_of_identity(call: Call) -> Sequence[Policy] | None:
    """The policies of IoT's that have to allow what a caller does; None for who is no Cognito identity signed in."""
    identity = cognito_identity(call.caller)
    if identity is None:
        return None
    devices = call.part(DevicePolicies)
    return await devices.of_identity(call.account, call.region, identity, thing_of(call.caller))


def as_thing(principal: Principal, variables: dict[str, tuple[str, ...]]) -> Principal:
    """A caller with the policy variables of its connection."""
    session = principal.session or Session()
    context = (*session.context, *variables.items())
    return msgspec.structs.replace(principal, session=msgspec.structs.replace(session, context=context))


def compiled(texts: dict[str, str]) -> list[Policy]:
    """Policies out of their documents."""
    found: list[Policy] = []
    for name, text in texts.items():
        try:
            found.append(compile_policy(text, "identity", name))
        except PolicyError:  # they were checked when they were made
            continue
    return found


@transactional
async def effective(tx: Transaction, principal: str, thing: str) -> dict[str, str]:
    """The documents of the policies that apply to a principal and a thing, by the policies' names."""
    names = {one.policy for one in await attachments.list(tx, principal)} if principal else set()
    if thing:
        for member in await memberships.list(tx, thing):
            for group in await groups_above(tx, member.group):
                target = arn("iot", tx.region, tx.account, f"thinggroup/{group}")
                names |= {one.policy for one in await attachments.list(tx, target)}
    found: dict[str, str] = {}
    for name in sorted(names):
        policy = await policies.get(tx, name)
        version = None if policy is None else policy.version(policy.default)
        if version is not None:
            found[name] = version.document
    return found


@transactional
async def claimed(tx: Transaction, certificate: str) -> dict[str, str]:
    """What a certificate may do as a provisioning claim: ask for an identity by its template."""
    claim = await claims.get(tx, certificate)
    if claim is None or claim.until <= tx.now:
        return {}
    topics = ["certificates/create/*", "certificates/create-from-csr/*"]
    topics.append(f"provisioning-templates/{claim.template}/provision/*")
    listed: list[dict[str, Any]] = [{"Effect": "Allow", "Action": "iot:Connect", "Resource": "*"}]
    for kind, actions in (("topic", ("Publish", "Receive")), ("topicfilter", ("Subscribe",))):
        resources = [arn("iot", tx.region, tx.account, f"{kind}/$aws/{topic}") for topic in topics]
        listed.append({"Effect": "Allow", "Action": [f"iot:{one}" for one in actions], "Resource": resources})
    return {"provisioning claim": orjson.dumps({"Version": "2012-10-17", "Statement": listed}).decode()}


@transactional
async def connection_variables(tx: Transaction, certificate: Certificate, client: str) -> dict[str, tuple[str, ...]]:
    """The policy variables of a device's connection: those of its certificate, and of its thing."""
    principal = arn("iot", tx.region, tx.account, f"cert/{certificate.id}")
    return {**policy_variables(certificate.pem), **await thing_variables(tx, principal, client)}


@transactional
async def thing_variables(tx: Transaction, principal: str, client: str) -> dict[str, tuple[str, ...]]:
    """The policy variables of the thing that a principal connects as.

    That is the one of the client id's name where the principal is attached to it, or the one that it is attached to
    exclusively.
    """
    attached = await principal_things.list(tx, principal)
    name = next((one.thing for one in attached if one.kind == "EXCLUSIVE_THING" or one.thing == client), None)
    thing = None if name is None else await things.get(tx, name)
    found: dict[str, tuple[str, ...]] = {"iot:connection.thing.isattached": (str(thing is not None).lower(),)}
    if thing is not None:
        found[THING] = (thing.name,)
        if thing.type is not None:
            found["iot:connection.thing.thingtypename"] = (thing.type,)
        for key, value in thing.attributes.items():
            found[f"iot:connection.thing.attributes[{key.lower()}]"] = (value,)
    return found
