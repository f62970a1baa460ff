"""Which policies apply to whoever calls: those of a user and its groups, or of a role, its boundary, its session's.

The doorway's authoriser asks for them at every call, so they are kept, compiled, until something in IAM changes, and
with them what was decided by nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from kumoi.doorway import Principal, Session
from kumoi.doorway.authoriser import IdentityPolicies
from kumoi.names import arn
from kumoi.policy import Caller, Policy, compile_policy
from kumoi.services.iam import aws_managed
from kumoi.services.iam.records import Group, Holder, Role, User, groups, policies, roles, users
from kumoi.services.iam.rules import no_such
from kumoi.state import State, Transaction, transactional
from kumoi.wire.errors import aws_error

MOST = 4096
_READS = ("Get", "List", "Simulate", "Generate")


class Source(NamedTuple):
    """A policy with its name or ARN, and its kind as the simulator has it. One that nobody knows has no document."""

    id: str
    kind: str
    document: str

    @property
    def compiled(self) -> Policy:
        """The policy, ready to be asked; one that nobody knows says nothing."""
        return compile_policy(self.document, "identity", self.id) if self.document else Policy((), self.id)


class EffectivePolicies:
    """The policies of principals, from IAM's records."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._known: dict[tuple[str, Session | None], IdentityPolicies] = {}
        self._changes = 0

    async def of(self, principal: Principal) -> IdentityPolicies:
        """The policies that apply to a user or session."""
        key = principal.arn, principal.session
        found = self._known.get(key)
        if found is None:
            changes = self._changes
            found = (await read(self._state.at(principal.account, ""), principal))._replace(decided={})
            if changes == self._changes:
                if len(self._known) >= MOST:
                    self._known.clear()
                self._known[key] = found
        return found

    async def trust(self, role_arn: str) -> Policy | None:
        """The trust policy of a role, whichever account's."""
        account, name = role_arn.split(":")[4], role_arn.rpartition("/")[2]
        role = await _role(self._state.at(account, ""), name)
        return None if role is None else compile_policy(role.trust, "trust", "role trust policy")

    async def passed(self, role_arn: str, account: str) -> str:
        """The ARN of the account's role of that name, whatever path and account are written (`Principal.of_role`)."""
        name = role_arn.rpartition("/")[2]
        role = await _role(self._state.at(account, ""), name)
        return role_arn if role is None else _role_arn(account, role.path, name)

    def follow(self, operation: str) -> None:
        """Read everything anew after a call of IAM that may have changed something."""
        if not operation.startswith(_READS):
            self.forget()

    def forget(self) -> None:
        """Read everything anew."""
        self._changes += 1
        self._known.clear()


@transactional
async def _role(tx: Transaction, name: str) -> Role | None:
    return await roles.get(tx, name)


@transactional
async def read(tx: Transaction, principal: Principal) -> IdentityPolicies:
    """The policies of a principal as they stand."""
    session = principal.session
    identity = session.identity if session is not None and session.identity else principal.arn
    kind, name = _kind_and_name(identity)
    found = await _session_policies(tx, session)
    context: dict[str, Sequence[str]] = {}
    if kind == "role":
        role = await roles.get(tx, name)
        if role is None:
            caller = Caller(principal.account, principal.arn, _role_arn(principal.account, "/", name))
            return IdentityPolicies(caller, session=found, lacking=f"the role {name} does not exist")
        context |= _tags(role.tags)
        if session is not None:
            context |= _tags(dict(session.tags))
        caller = Caller(principal.account, principal.arn, _role_arn(principal.account, role.path, name))
        own, boundary, lacking = await _of_holder(tx, role)
        return IdentityPolicies(caller, own, boundary, found, context, lacking)
    caller = Caller(principal.account, principal.arn)
    if identity.endswith(":root"):
        return IdentityPolicies(caller, [_everything()], None, found, context)
    user = await users.get(tx, name) if kind == "user" else None
    if user is None:
        return IdentityPolicies(caller, session=found, lacking=f"the user {name} does not exist")
    if identity == principal.arn:
        context = {"aws:username": (user.name,), **_tags(user.tags)}
    elif session is not None:
        context = _tags(dict(session.tags))
    own, boundary, lacking = await _of_holder(tx, user)
    return IdentityPolicies(caller, own, boundary, found, context, lacking)


async def _of_holder(tx: Transaction, holder: Role | User) -> tuple[list[Policy], Policy | None, str]:
    """(its policies and those of its groups, its boundary, what is lacking)."""
    found = await _sources(tx, holder)
    boundary = None if holder.boundary is None else await _managed(tx, holder.boundary)
    everything = found if boundary is None else [*found, boundary]
    unknown = ", ".join(one.id for one in everything if not one.document)
    lacking = f"Kumoi does not know what {unknown} allows" if unknown else ""
    return [one.compiled for one in found], None if boundary is None else boundary.compiled, lacking


async def _sources(tx: Transaction, holder: Holder) -> list[Source]:
    """The policies of a holder; those of its groups, too, where it is a user."""
    holders: list[Holder] = [holder]
    if isinstance(holder, User):
        holders += [group for name in holder.groups if (group := await groups.get(tx, name)) is not None]
    found: list[Source] = []
    for one in holders:
        kind = type(one).__name__.lower()
        found += [Source(name, kind, document) for name, document in one.inline.items()]
        found += [await _managed(tx, policy_arn) for policy_arn in one.attached]
    return found


async def _managed(tx: Transaction, policy_arn: str) -> Source:
    """A managed policy: AWS's own or the account's."""
    own = await policies.get(tx, policy_arn)
    if own is None:
        return Source(policy_arn, "aws-managed", aws_managed.document(policy_arn) or "")
    document = next((one.document for one in own.versions if one.id == own.default_version), "")
    return Source(policy_arn, "user-managed", document)


@transactional
async def sources_of(tx: Transaction, identity: str) -> tuple[list[Source], Source | None]:
    """(the policies, the boundary) of the user, group or role of an ARN; NoSuchEntity where there is none."""
    kind, name = _kind_and_name(identity)
    holder: Holder | None = None
    if kind == "user":
        holder = await users.get(tx, name)
    elif kind == "group":
        holder = await groups.get(tx, name)
    elif kind == "role":
        holder = await roles.get(tx, name)
    else:
        raise aws_error("InvalidInput", f"Invalid Entity Arn: {identity} does not clearly define entity type and name.")
    if holder is None:
        raise no_such(kind, name)
    boundary = None if isinstance(holder, Group) or holder.boundary is None else await _managed(tx, holder.boundary)
    return [one for one in await _sources(tx, holder) if one.document], boundary


async def _session_policies(tx: Transaction, session: Session | None) -> list[Policy] | None:
    if session is None or session.policies is None:
        return None
    return [
        (await _managed(tx, one)).compiled
        if one.startswith("arn:")
        else compile_policy(one, "identity", "session policy")
        for one in session.policies
    ]


def _everything() -> Policy:
    return compile_policy('{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}', "identity", "root")


def _kind_and_name(identity: str) -> tuple[str, str]:
    """`role` or `user` (or what else it is) and its name, of an identity's or a session's ARN."""
    kind, *rest = identity.split(":", 5)[-1].split("/")
    if kind == "assumed-role" and rest:
        return "role", rest[0]
    return kind, rest[-1] if rest else ""


def _role_arn(account: str, path: str, name: str) -> str:
    return arn("iam", "", account, f"role{path}{name}")


def _tags(tags: Mapping[str, str]) -> dict[str, Sequence[str]]:
    return {f"aws:principaltag/{key.lower()}": (value,) for key, value in tags.items()}
