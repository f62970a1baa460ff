"""Who calls: IAM identities, their sessions, AWS services acting on their own behalf, and nobody at all."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

ANONYMOUS = "anonymous"
_SERVICE_HOST = ".amazonaws.com"


class Session(msgspec.Struct, frozen=True, array_like=True):
    """What temporary credentials say beyond whose they are. Times in epoch seconds.

    `policies` are session policies: JSON documents, or ARNs of managed policies; None where the session was given none,
    so that all its identity may do is allowed. `transitive` names the tags that roles chained from here inherit.
    `provider` is the identity provider a federated session comes from, `identity` the ARN of the user or role whose
    policies apply where it is not the principal itself (GetFederationToken).
    """

    issued: float = 0.0
    policies: tuple[str, ...] | None = None
    tags: tuple[tuple[str, str], ...] = ()
    transitive: tuple[str, ...] = ()
    source_identity: str = ""
    provider: str = ""
    identity: str = ""
    mfa: bool = False


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls.

    `arn` is the IAM identity (root, user, assumed role) or a service principal such as `lambda.amazonaws.com`;
    `id` its unique id as GetCallerIdentity answers it. `source` is the caller's node on the map: `client`, or the
    part of the application whose credentials these are (`lambda:thumbnail`). `source_arn` is the resource on whose
    account a service acts (`aws:SourceArn`), `session` what temporary credentials say.
    """

    account: str
    arn: str
    id: str
    source: str = "client"
    access_key: str | None = None
    source_arn: str = ""
    session: Session | None = None

    @classmethod
    def root(cls, account: str, access_key: str | None = None) -> Principal:
        """The account's root: what any credentials mean while nothing is verified."""
        return cls(account, f"arn:aws:iam::{account}:root", account, access_key=access_key)

    @classmethod
    def anonymous(cls, account: str) -> Principal:
        """Nobody in particular: an unsigned request, answered in `account`."""
        return cls(account, ANONYMOUS, ANONYMOUS)

    @classmethod
    def of_service(cls, account: str, host: str, source: str, source_arn: str = "") -> Principal:
        """A service acting on its own behalf, e.g. `logs.amazonaws.com`, because of the resource `source_arn`."""
        return cls(account, host, host, source, source_arn=source_arn)

    @classmethod
    def of_role(cls, role_arn: str, session: str, source: str) -> Principal:
        """A service acting in a role that it was given (`arn:aws:iam::…:role/path/name`), in a session of that name."""
        account, name = role_arn.split(":")[4], role_arn.rpartition("/")[2]
        assumed = f"arn:{role_arn.split(':')[1]}:sts::{account}:assumed-role/{name}/{session}"
        return cls(account, assumed, f"AROA{name[:16].upper()}:{session}", source)

    @property
    def is_root(self) -> bool:
        """Whether it is an account itself."""
        return self.arn.endswith(":root")

    @property
    def is_anonymous(self) -> bool:
        """Whether nobody knows who it is."""
        return self.arn == ANONYMOUS

    @property
    def is_service(self) -> bool:
        """Whether it is an AWS service acting on its own behalf."""
        return not self.arn.startswith("arn:") and self.arn.endswith(_SERVICE_HOST)
