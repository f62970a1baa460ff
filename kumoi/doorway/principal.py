"""Who calls: IAM identities, their sessions, AWS services acting on their own behalf, and nobody at all."""

from __future__ import annotations

from functools import lru_cache

import msgspec

from kumoi.names import arn

ANONYMOUS = "anonymous"
_SERVICE_HOST = ".amazonaws.com"


class Session(msgspec.Struct, frozen=True, array_like=True):
    """What temporary credentials say beyond whose they are. Times in epoch seconds.

    `policies` are session policies: JSON documents, or ARNs of managed policies; None where the session was given none,
    so that all its identity may do is allowed. `transitive` names the tags that roles chained from here inherit.
    `provider` is the identity provider a federated session comes from, `identity` the ARN of the user or role whose
    policies apply where it is not the principal itself (GetFederationToken); `context` are condition keys that stay
    with the session, such as a token's subject.
    """

    issued: float = 0.0
    policies: tuple[str, ...] | None = None
    tags: tuple[tuple[str, str], ...] = ()
    transitive: tuple[str, ...] = ()
    source_identity: str = ""
    provider: str = ""
    identity: str = ""
    mfa: bool = False
    context: tuple[tuple[str, tuple[str, ...]], ...] = ()


class Principal(msgspec.Struct, frozen=True):
    """Who calls.

    `arn` is the IAM identity (root, user, assumed role) or a service principal such as `lambda.amazonaws.com`;
    `id` its unique id as GetCallerIdentity answers it. `source` is the caller's node on the map: `client`, or the
    part of the application whose credentials these are (`lambda:thumbnail`). `source_arn` is the resource on whose
    account a service acts (`aws:SourceArn`), `source_account` whose that is where the ARN does not say so; `session` is
    what temporary credentials say. `region` is the only one that it is known in: a device's, whose requests name none.
    """

    account: str
    arn: str
    id: str
    source: str = "client"
    access_key: str | None = None
    source_arn: str = ""
    source_account: str = ""
    session: Session | None = None
    region: str = ""

    @classmethod
    @lru_cache(4096)
    def root(cls, account: str, access_key: str | None = None) -> Principal:
        """The account's root: what any credentials mean while nothing is verified."""
        return cls(account, f"arn:aws:iam::{account}:root", account, access_key=access_key)

    @classmethod
    @lru_cache(4096)
    def anonymous(cls, account: str) -> Principal:
        """Nobody in particular: an unsigned request, answered in `account`."""
        return cls(account, ANONYMOUS, ANONYMOUS)

    @classmethod
    def of_service(
        cls, account: str, host: str, source: str, source_arn: str = "", source_account: str = ""
    ) -> Principal:
        """A service acting on its own behalf, e.g. `logs.amazonaws.com`, because of the resource `source_arn`."""
        return cls(account, host, host, source, source_arn=source_arn, source_account=source_account)

    @classmethod
    def of_role(cls, account: str, role_arn: str, session: str, source: str) -> Principal:
        """A service acting in a role that it was given, in a session of that name.

        The role is `account`'s, whichever its ARN names: local configurations have ARNs of made-up accounts.
        """
        name = role_arn.rpartition("/")[2]
        assumed = arn("sts", "", account, f"assumed-role/{name}/{session}")
        return cls(account, assumed, f"AROA{name[:16].upper()}:{session}", source)

    @classmethod
    def looking(cls, account: str, service: str, source: str) -> Principal:
        """A part of the platform that only looks something up at a service, which needs no permission."""
        return cls.of_service(account, f"{service}{_SERVICE_HOST}", source)

    def looks_up(self, service: str) -> bool:
        """Whether it is a part of the platform that only looks something up at a service."""
        return self.arn == f"{service}{_SERVICE_HOST}"

    @property
    def is_root(self) -> bool:
        """Whether it is an account itself, whose id is the account's."""
        return self.id == self.account and self.arn.endswith(":root")

    @property
    def is_anonymous(self) -> bool:
        """Whether nobody knows who it is."""
        return self.arn == ANONYMOUS

    @property
    def is_service(self) -> bool:
        """Whether it is an AWS service acting on its own behalf."""
        return not self.arn.startswith("arn:") and self.arn.endswith(_SERVICE_HOST)
