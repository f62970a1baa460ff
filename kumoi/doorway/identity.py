"""The guard that knows who calls: access keys to principals, session credentials, and who may do what.

Account rule (as the SDK users of local clouds expect): an access key of twelve digits is that account; a key that
this platform issued belongs to its owner; any other key means the default account. Session credentials are
stateless: the token carries the principal under an HMAC, and the secret derives from the access key, so that
issuing them for each sandbox costs microseconds and survives a restart.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Awaitable, Callable
from typing import Literal, NamedTuple

import msgspec

from kumoi.clock import Clock
from kumoi.doorway.authoriser import Authoriser
from kumoi.doorway.authorization import Ask
from kumoi.doorway.call import Call
from kumoi.doorway.principal import Principal, Session
from kumoi.doorway.sealing import Sealer
from kumoi.doorway.service import Service
from kumoi.names import DEFAULT_ACCOUNT, unique_id
from kumoi.state import State, Transaction, transactional
from kumoi.state.space import Space
from kumoi.wire.http import Request

AuthMode = Literal["off", "audit", "verify", "enforce"]
_SESSIONS = 1024
"""Tokens whose principals are remembered."""


class AccessKey(msgspec.Struct, frozen=True):
    """A long-term access key, as IAM issues it to a user."""

    id: str
    secret: str
    account: str
    arn: str
    principal_id: str
    active: bool = True


class SessionClaims(msgspec.Struct, frozen=True, array_like=True):
    """What a session token says: the principal, until when (epoch seconds), and what else the session is."""

    access_key: str
    account: str
    arn: str
    principal_id: str
    source: str
    expires: float
    session: Session | None = None


class KeyUse(NamedTuple):
    """When (epoch seconds) and for what a long-term key was last used."""

    time: float
    service: str
    region: str


class SessionCredentials(NamedTuple):
    """Temporary credentials; `expires` in epoch seconds."""

    access_key: str
    secret: str
    token: str
    expires: float


access_keys: Space[AccessKey] = Space("identity.access_key", AccessKey, lambda key: (key.id,), scope="global")


class UnknownKey(Exception):
    """No secret is known for an access key: its signature cannot be verified."""


class InvalidToken(Exception):
    """A session token that this platform did not issue, or that does not belong to the key."""


class Identity:
    """Who an access key is, and whether a call is allowed.

    `mode`: `off` takes everybody at their word and asks no policy; `audit` lets everybody pass and writes down what
    policies would deny; `verify` needs a known key with the right signature, too (the gateway checks it); `enforce`
    refuses what policies deny. `sealer` encrypts what services keep secret. `devices` tells which device
    sends an unsigned request (by its certificate, or by what an authorizer says), None for none, or raises AwsError.
    """

    def __init__(self, state: State, clock: Clock, mode: AuthMode, master_key: bytes) -> None:
        self.mode = mode
        self.sealer = Sealer(master_key)
        self.authoriser = Authoriser(self.sealer)
        self.last_used: dict[str, KeyUse] = {}
        self.devices: Callable[[Request], Awaitable[Principal | None]] | None = None
        self._state = state
        self._clock = clock
        self._master = master_key
        self._decode = msgspec.msgpack.Decoder(SessionClaims).decode
        self._known: dict[str, AccessKey | None] = {}
        self._sessions: dict[tuple[str, str], Principal] = {}

    @property
    def verifies(self) -> bool:
        """Whether signatures must be right, so that an unsigned request is nobody's."""
        return self.mode in ("verify", "enforce")

    @property
    def enforces(self) -> bool:
        """Whether what policies deny is refused."""
        return self.mode == "enforce"

    @classmethod
    async def open(cls, state: State, clock: Clock, mode: AuthMode) -> Identity:
        """Build the guard with the platform's signing key, made and stored at the first start."""
        return cls(state, clock, mode, await _master_key(state.at("", "")))

    def issue(self, principal: Principal, duration: float) -> SessionCredentials:
        """Session credentials of `principal` for `duration` seconds of platform time."""
        access_key = unique_id("ASIA", 20)
        expires = self._clock.now() + duration
        claims = msgspec.msgpack.encode(
            SessionClaims(
                access_key,
                principal.account,
                principal.arn,
                principal.id,
                principal.source,
                expires,
                principal.session,
            )
        )
        token = base64.b64encode(self._mac(b"token", claims) + claims).decode()
        return SessionCredentials(access_key, self.session_secret(access_key), token, expires)

    def session_secret(self, access_key: str) -> str:
        """The secret of session credentials."""
        return base64.b64encode(self._mac(b"secret", access_key.encode())[:30]).decode()

    def claims(self, token: str, access_key: str) -> SessionClaims:
        """Read a session token; InvalidToken when it is not ours or not of this key. Expiry is not checked."""
        try:
            raw = base64.b64decode(token, validate=True)
            mac, claims = raw[:32], raw[32:]
            if not hmac.compare_digest(mac, self._mac(b"token", claims)):
                raise InvalidToken
            found = self._decode(claims)
        except (ValueError, msgspec.MsgspecError) as error:
            raise InvalidToken from error
        if found.access_key != access_key:
            raise InvalidToken
        return found

    def secret_for(self, purpose: str) -> str:
        """A secret of this platform's own for one purpose, the same as long as its data live."""
        return self._mac(b"purpose", purpose.encode()).hex()[:40]

    @property
    def platform_token(self) -> str:
        """The token of whoever rules the platform: who may read its data directory finds it there."""
        return self.secret_for("studio")

    def rules(self, authorization: str | None) -> bool:
        """Whether an Authorization header brings the platform's token."""
        return hmac.compare_digest((authorization or "").encode(), f"Bearer {self.platform_token}".encode())

    def ticket(self, purpose: str, expires: float) -> str:
        """A signed permission for `purpose` (a download's path, say) until `expires` (epoch seconds)."""
        text = f"{int(expires)}.{purpose}".encode()
        return f"{int(expires)}.{self._mac(b'ticket', text).hex()}"

    def honours(self, ticket: str, purpose: str) -> bool:
        """Whether `ticket` was issued for `purpose` and has not expired."""
        expires = ticket.partition(".")[0]
        if not expires.isascii() or not expires.isdigit() or len(expires) > 12:
            return False
        return hmac.compare_digest(ticket, self.ticket(purpose, int(expires))) and self._clock.now() <= int(expires)

    async def principal(self, access_key: str | None, token: str | None) -> Principal:
        """Who uses this key, taken at their word: a key nobody knows is the root of its account."""
        known = self.plainly(access_key, token)
        if known is not None:
            return known
        assert access_key is not None, "no key is nobody's"
        if access_key.startswith("AKIA") and (key := await self.access_key(access_key)):
            return Principal(key.account, key.arn, key.principal_id, access_key=access_key)
        return Principal.root(DEFAULT_ACCOUNT, access_key)

    def plainly(self, access_key: str | None, token: str | None) -> Principal | None:
        """What `principal` answers, where the key and its token tell; None where the key has to be looked up."""
        if access_key is None:
            return Principal.root(DEFAULT_ACCOUNT)
        if token and (session := self._session(access_key, token)) is not None:
            return session
        if len(access_key) == 12 and access_key.isdigit():
            return Principal.root(access_key, access_key)
        return None if access_key.startswith("AKIA") else Principal.root(DEFAULT_ACCOUNT, access_key)

    def _session(self, access_key: str, token: str) -> Principal | None:
        """The principal that a token carries, None where it carries none; who calls once mostly calls again."""
        found = self._sessions.get((access_key, token))
        if found is None:
            try:
                claims = self.claims(token, access_key)
            except InvalidToken:
                return None
            found = Principal(
                claims.account, claims.arn, claims.principal_id, claims.source, access_key, session=claims.session
            )
            if len(self._sessions) >= _SESSIONS:
                self._sessions.clear()
            self._sessions[access_key, token] = found
        return found

    async def secret(self, access_key: str, token: str | None, *, local: bool) -> str:
        """The secret to verify a signature with; raises UnknownKey or InvalidToken.

        An account's own root keys (twelve digits, or `test`) sign with the secret `test`. Everybody knows that one: it
        opens an enforcing platform to this machine alone (`local`).
        """
        if access_key.startswith("ASIA"):
            if token is None:
                raise InvalidToken
            self.claims(token, access_key)
            return self.session_secret(access_key)
        if access_key == "test" or (len(access_key) == 12 and access_key.isdigit()):
            if self.enforces and not local:
                raise UnknownKey
            return "test"
        key = await self.access_key(access_key)
        if key is None or not key.active:
            raise UnknownKey
        return key.secret

    async def access_key(self, key_id: str) -> AccessKey | None:
        """A long-term key this platform issued, or None; remembered until `forget`."""
        if key_id not in self._known:
            if len(self._known) > 10_000:
                self._known.clear()
            self._known[key_id] = await _find_key(self._state, key_id)
        return self._known[key_id]

    def forget(self, key_id: str | None = None) -> None:
        """Look a key (or all, and all policies) up anew next time: it was made, changed or deleted."""
        if key_id is None:
            self._known.clear()
            if self.authoriser.source is not None:
                self.authoriser.source.forget()
        else:
            self._known.pop(key_id, None)

    async def authorise(self, call: Call, service: Service) -> None:
        """Ask policies about a call as the mode says; raises AccessDenied where it is enforced."""
        if (asking := self.asking(call, service)) is not None:
            await asking

    def asking(self, call: Call, service: Service) -> Awaitable[None] | None:
        """What `authorise` has to await: None where policies say nothing, as of the root of an account."""
        caller, mode = call.caller, self.mode
        key = caller.access_key
        if key is not None and self._known.get(key) is not None:
            self.last_used[key] = KeyUse(self._clock.now(), call.service, call.region)
        if mode == "off" or call.operation in service.data_planes:
            return None
        if mode == "audit" and caller.account == call.account and caller.is_root:
            return None  # as `check` would find: most calls are these
        enforce = mode == "enforce" or (mode == "verify" and caller.is_anonymous)
        return self.authoriser.check(call, service.authorization, enforce=enforce)

    async def require(self, call: Call, service: Service, *asks: Ask) -> None:
        """Ask policies about what a data plane has found a call to need; raises AccessDenied where it is enforced."""
        if self.mode != "off":
            await self.authoriser.require(call, asks, service.authorization, enforce=self.enforces)

    def _mac(self, purpose: bytes, content: bytes) -> bytes:
        return hmac.digest(self._master, purpose + b"\0" + content, hashlib.sha256)


@transactional
async def _master_key(tx: Transaction) -> bytes:
    stored = await tx.get(("identity.master_key",))
    if stored is None:
        stored = os.urandom(32)
        await tx.put(("identity.master_key",), stored)
    return stored


@transactional
async def _find_key(tx: Transaction, key_id: str) -> AccessKey | None:
    return await access_keys.get(tx, key_id)
