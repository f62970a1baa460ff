"""The guard that asks policies: who is asked about what, and what a denial is, by mode."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from kumoi.blobs import MemoryBlobs
from kumoi.clock import Clock
from kumoi.doorway import (
    Ask,
    AuthMode,
    Authorization,
    Call,
    Doorway,
    Faults,
    Hop,
    Hops,
    Identity,
    Owned,
    Parts,
    Principal,
    Registry,
    Service,
)
from kumoi.doorway.authoriser import Authoriser, IdentityPolicies
from kumoi.doorway.sealing import Sealer
from kumoi.lake import Lake
from kumoi.policy import Caller, Decision, Policy, compile_policy
from kumoi.state.sqlite import SqliteState
from kumoi.wire.errors import AwsError

ACCOUNT, OTHER = "111111111111", "222222222222"
BOX = f"arn:aws:shop:us-east-1:{ACCOUNT}:box/blue"
ALICE = Principal(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/alice", "AIDAALICE")
MAILER = Principal.of_service(ACCOUNT, "mail.amazonaws.com", "mail", f"arn:aws:mail:us-east-1:{ACCOUNT}:letter/1")


def document(action: str, effect: str = "Allow", **more: Any) -> str:
    statement = {"Sid": "One", "Effect": effect, "Action": action, "Resource": "*", **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


class Fixed:
    """Everybody has the same policies."""

    def __init__(self, *documents: str) -> None:
        self.policies = [compile_policy(one, "identity", "fixed") for one in documents]

    async def of(self, principal: Principal) -> IdentityPolicies:
        return IdentityPolicies(Caller(principal.account, principal.arn), self.policies)

    async def trust(self, role_arn: str) -> Policy | None:
        return None

    async def passed(self, role_arn: str, account: str) -> str:
        return role_arn


def dispatch(
    caller: Principal,
    mode: AuthMode,
    own: Fixed | None = None,
    on_box: str | None = None,
    plane: bool = False,
    devices: Callable[[Principal], Awaitable[IdentityPolicies]] | None = None,
) -> Hop:
    """Put something into a box as `caller`; the hop. Raises what the caller is told."""

    async def owned(call: Call, ask: Ask) -> Owned:
        return Owned(ACCOUNT, () if on_box is None else (compile_policy(on_box, "resource", "box"),))

    facts = Authorization(
        "shop", resource=lambda call: BOX, actions={"PutAll": "Put"}, policy=owned, error="BoxIsClosed"
    )
    shop = Service("shop", "kumoi.services", modules=(), data_planes=("PutAll",) if plane else ())
    shop._authorization = facts

    @shop.operation
    async def put_all(call: Call) -> str:
        return "done"

    async def main() -> Hop:
        clock = Clock()
        state = await SqliteState.open(None, clock=clock)
        lake = await Lake.open(None)
        identity = await Identity.open(state, clock, mode)
        identity.authoriser.source = own
        identity.authoriser.devices = devices
        hops = Hops(lake)
        doorway = Doorway(
            Registry([shop]),
            state=state,
            blobs=MemoryBlobs(),
            lake=lake,
            clock=clock,
            identity=identity,
            faults=Faults(clock),
            hops=hops,
            parts=Parts(),
            directory=Path,
        )
        try:
            await doorway.dispatch(Call(doorway, "shop", "PutAll", {}, caller, ACCOUNT))
            return hops.latest(1)[0]
        finally:
            hops.flush()
            await lake.close()
            await state.close()

    return asyncio.run(main())


REFUSED = (
    f"BoxIsClosed: User: {ALICE.arn} is not authorized to perform: shop:Put on resource: {BOX}"
    " because no identity-based policy allows the shop:Put action"
)


def test_enforced_policies_refuse_in_the_services_words() -> None:
    with pytest.raises(AwsError) as refused:
        dispatch(ALICE, "enforce", Fixed(document("shop:Get")))
    assert (str(refused.value), refused.value.default_status) == (REFUSED, 403)
    assert dispatch(ALICE, "enforce", Fixed(document("shop:Put"))).outcome == "ok"
    denial = document("shop:*", "Deny")
    with pytest.raises(AwsError, match="with an explicit deny in an identity-based policy"):
        dispatch(ALICE, "enforce", Fixed(document("shop:Put"), denial))


async def as_devices_are(principal: Principal) -> IdentityPolicies:
    return IdentityPolicies(Caller(principal.account, principal.arn))


def test_whoever_has_a_path_like_a_certificates_is_no_device() -> None:
    denials = Fixed(document("*", "Deny"))
    for arn in (f"arn:aws:iam::{ACCOUNT}:user/x:cert/a", f"arn:aws:iam::{ACCOUNT}:user/arn:aws:iot:::cert/a"):
        with pytest.raises(AwsError, match="explicit deny"):
            dispatch(Principal(ACCOUNT, arn, "AIDAX"), "enforce", denials, devices=as_devices_are)
    device = Principal(ACCOUNT, f"arn:aws:iot:us-east-1:{ACCOUNT}:cert/a", "a")
    with pytest.raises(AwsError, match="no identity-based policy allows"):
        dispatch(device, "enforce", denials, devices=as_devices_are)


def test_whoever_is_called_root_is_not_root() -> None:
    assert Principal.root(ACCOUNT).is_root
    assert not Principal(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/x:root", "AIDAX").is_root


@pytest.mark.parametrize("mode", ["audit", "verify"])
def test_audit_notes_what_would_be_denied(mode: AuthMode) -> None:
    hop = dispatch(ALICE, mode, Fixed(document("*"), document("shop:*", "Deny")))
    assert (hop.outcome, hop.principal, hop.asked) == ("ok", ALICE.arn, f"shop:Put {BOX}")
    assert hop.denied == f"shop:Put on {BOX} with an explicit deny in an identity-based policy (fixed, One)"
    allowed = dispatch(ALICE, mode, Fixed(document("*")))
    assert (allowed.asked, allowed.denied) == (f"shop:Put {BOX}", "")


def test_nothing_is_asked_when_off_or_of_a_data_plane() -> None:
    for hop in (dispatch(ALICE, "off", Fixed()), dispatch(ALICE, "enforce", Fixed(), plane=True)):
        assert (hop.asked, hop.denied, hop.warning) == ("", "", "")


def test_root_may_everything_in_its_account_that_the_resource_does_not_deny() -> None:
    assert dispatch(Principal.root(ACCOUNT), "enforce").outcome == "ok"
    with pytest.raises(AwsError, match="with an explicit deny in a resource-based policy"):
        dispatch(Principal.root(ACCOUNT), "enforce", on_box=document("*", "Deny", Principal="*"))
    with pytest.raises(AwsError, match="because no resource-based policy allows"):
        dispatch(Principal.root(OTHER), "enforce")
    assert dispatch(Principal.root(OTHER), "enforce", on_box=document("*", Principal={"AWS": OTHER})).outcome == "ok"


def test_a_service_needs_the_resources_policy() -> None:
    letter = {"ArnLike": {"aws:SourceArn": MAILER.source_arn}, "StringEquals": {"aws:SourceAccount": ACCOUNT}}
    mail = {"Service": "mail.amazonaws.com"}
    assert dispatch(MAILER, "enforce", on_box=document("shop:Put", Principal=mail, Condition=letter)).outcome == "ok"
    other = {"ArnLike": {"aws:SourceArn": "arn:aws:mail:*:*:parcel/*"}}
    with pytest.raises(AwsError, match="because no resource-based policy allows the shop:Put action"):
        dispatch(MAILER, "enforce", on_box=document("shop:Put", Principal=mail, Condition=other))
    own = Principal.of_service(ACCOUNT, "shop.amazonaws.com", "shop")
    assert dispatch(own, "enforce").outcome == "ok"


@pytest.mark.parametrize("mode", ["verify", "enforce"])
def test_nobody_gets_what_everybody_gets(mode: AuthMode) -> None:
    nobody = Principal.anonymous(ACCOUNT)
    with pytest.raises(AwsError, match="^BoxIsClosed: Access Denied$"):
        dispatch(nobody, mode, Fixed(document("*")))
    assert dispatch(nobody, mode, on_box=document("shop:Put", Principal="*")).outcome == "ok"
    with pytest.raises(AwsError, match="Access Denied"):
        dispatch(nobody, mode, on_box=document("shop:Put", Principal={"AWS": ACCOUNT}))


class Kept(Fixed):
    """Keeps what was decided, as IAM does."""

    def __init__(self, *documents: str) -> None:
        super().__init__(*documents)
        self.decided: dict[tuple[str, str, str], Decision] = {}

    async def of(self, principal: Principal) -> IdentityPolicies:
        return (await super().of(principal))._replace(decided=self.decided)


def asked(source: Kept, region: str, doorway: Doorway) -> bool:
    """Whether Alice may put something into the box in a region."""
    authoriser = Authoriser(Sealer(b"key" * 11))
    authoriser.source = source
    call = Call(doorway, "shop", "PutAll", {}, ALICE, ACCOUNT, region)
    asyncio.run(authoriser.require(call, [Ask("shop:Put", BOX)], Authorization("shop"), enforce=False))
    assert call.asked == f"shop:Put {BOX}"
    return not call.denied


def test_only_what_depends_on_nothing_else_is_decided_once() -> None:
    doorway = cast(Doorway, SimpleNamespace(clock=Clock()))
    plain = Kept(document("shop:Put"))
    assert asked(plain, "us-east-1", doorway)
    assert [decision.allowed for decision in plain.decided.values()] == [True]
    plain.decided = dict.fromkeys(plain.decided, Decision("implicitDeny"))
    assert not asked(plain, "us-east-1", doorway), "it is asked again"
    at_home = Kept(document("shop:Put", Condition={"StringEquals": {"aws:RequestedRegion": "us-east-1"}}))
    assert [asked(at_home, region, doorway) for region in ("us-east-1", "eu-west-1", "us-east-1")] == [
        True,
        False,
        True,
    ]
    named = Kept(document("shop:Put", Resource=BOX.replace("blue", "${aws:RequestedRegion}")))
    assert not asked(named, "us-east-1", doorway)
    assert asked(named, "blue", doorway)
    assert at_home.decided == named.decided == {}


def test_what_a_decision_depends_on_is_part_of_it() -> None:
    doorway, kept = cast(Doorway, SimpleNamespace(clock=Clock())), Kept(document("shop:Put"))
    authoriser = Authoriser(Sealer(b"key" * 11))
    authoriser.source = kept

    async def owned(call: Call, ask: Ask) -> Owned:
        return Owned(ACCOUNT, (compile_policy(document("shop:Put", "Deny", Principal="*"), "resource", "box"),))

    def allowed(account: str, facts: Authorization) -> bool:
        call = Call(doorway, "shop", "PutAll", {}, ALICE, account, "us-east-1")
        asyncio.run(authoriser.require(call, [Ask("shop:Put", "*")], facts, enforce=False))
        return not call.denied

    plain, with_policy = Authorization("shop"), Authorization("shop", policy=owned)
    seen = [allowed(*one) for one in [(ACCOUNT, plain), (OTHER, plain), (ACCOUNT, with_policy), (ACCOUNT, plain)]]
    assert seen == [True, False, False, True]


OF_LETTER = {"ArnLike": {"aws:SourceArn": MAILER.source_arn}}
TO_MAIL = {"Principal": {"Service": "mail.amazonaws.com"}}


@pytest.mark.parametrize(
    ("condition", "kept"),
    [
        ({}, True),
        (OF_LETTER, True),
        ({"StringEquals": {"aws:SourceAccount": ACCOUNT}}, True),
        ({"Bool": {"aws:PrincipalIsAWSService": "true"}}, True),
        ({"StringEquals": {"aws:RequestedRegion": "us-east-1"}}, False),
        ({**OF_LETTER, "Null": {"shop:Colour": "true"}}, False),
        ({"ForAllValues:StringEquals": {"aws:TagKeys": "a"}}, False),
    ],
)
def test_a_services_permission_is_decided_once_where_the_call_does_not_matter(
    condition: dict[str, Any], kept: bool
) -> None:
    doorway = cast(Doorway, SimpleNamespace(clock=Clock()))
    policy = compile_policy(document("shop:Put", **TO_MAIL, Condition=condition), "resource", "box")
    decided: dict[tuple[str, ...], Decision] = {}

    async def owned(call: Call, ask: Ask) -> Owned:
        return Owned(ACCOUNT, (policy,), decided=decided)

    def allowed(caller: Principal) -> bool:
        call = Call(doorway, "shop", "PutAll", {}, caller, ACCOUNT, "us-east-1")
        facts = Authorization("shop", policy=owned)
        asyncio.run(Authoriser(Sealer(b"key" * 11)).require(call, [Ask("shop:Put", BOX)], facts, enforce=False))
        assert call.asked == f"shop:Put {BOX}"
        return not call.denied

    assert allowed(MAILER)
    assert [decision.allowed for decision in decided.values()] == [True] * kept
    for one in decided:
        decided[one] = Decision("implicitDeny")
    assert allowed(MAILER) is not kept, "it is asked again, unless what was decided is kept"
    other = Principal.of_service(ACCOUNT, "mail.amazonaws.com", "mail", f"arn:aws:mail:us-east-1:{ACCOUNT}:parcel/1")
    theirs = Principal.of_service(OTHER, "mail.amazonaws.com", "mail", f"arn:aws:mail:us-east-1:{OTHER}:letter/1")
    assert allowed(other) is ("ArnLike" not in condition)
    assert allowed(theirs) is (
        not {"ArnLike", "StringEquals"} & condition.keys() or "aws:RequestedRegion" in str(condition)
    )
    assert not allowed(ALICE), "an identity's policies are its own"
    assert any(MAILER.source_arn in one for one in decided) is kept


def test_no_more_decisions_are_kept_than_memory_allows() -> None:
    doorway = cast(Doorway, SimpleNamespace(clock=Clock()))
    full = Kept(document("shop:Put"))
    full.decided = {("shop:Put", str(number), ACCOUNT): Decision("allowed") for number in range(256)}
    assert asked(full, "us-east-1", doorway)
    assert len(full.decided) == 1
