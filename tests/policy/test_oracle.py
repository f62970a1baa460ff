"""The evaluator against a small naive one, which reads the JSON anew for each question."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kumoi.policy import Caller, Policies, Request, compile_policy, decide

HERE, THERE = "111111111111", "222222222222"
USER = f"arn:aws:iam::{HERE}:user/ann"
ROLE, SESSION = f"arn:aws:iam::{HERE}:role/app", f"arn:aws:sts::{HERE}:assumed-role/app/one"
ROOT = f"arn:aws:iam::{HERE}:root"
CALLERS = {
    "user": Caller(HERE, USER),
    "session": Caller(HERE, SESSION, ROLE),
    "root": Caller(HERE, ROOT),
    "service": Caller(HERE, service="sns.amazonaws.com"),
    "nobody": Caller(),
}
PRINCIPALS: list[Any] = ["*", *({"AWS": one} for one in (USER, ROLE, SESSION, ROOT, HERE, THERE, "*"))]
PRINCIPALS += [{"Service": "sns.amazonaws.com"}, {"Service": "s3.amazonaws.com"}]
CONDITIONS: list[Any] = [None, {"StringEquals": {"k": "1"}}, {"StringNotEquals": {"k": "1"}}, {"Null": {"k": "true"}}]


def naive_applies(statement: dict[str, Any], caller: str, action: str, resource: str, k: str | None) -> bool:
    actions = statement.get("Action") or statement["NotAction"]
    if fnmatchcase(action, actions) is ("NotAction" in statement):
        return False
    resources = statement.get("Resource") or statement["NotResource"]
    if fnmatchcase(resource, resources) is ("NotResource" in statement):
        return False
    if "Principal" in statement and not naive_names(statement["Principal"], caller):
        return False
    for operator, keys in (statement.get("Condition") or {}).items():
        (wanted,) = keys.values()
        if not {"StringEquals": k == wanted, "StringNotEquals": k != wanted, "Null": (k is None) is (wanted == "true")}[
            operator
        ]:
            return False
    return True


def naive_names(principal: Any, caller: str) -> bool:
    if principal in ("*", {"AWS": "*"}):
        return True
    if "Service" in principal:
        return caller == "service" and principal["Service"] == "sns.amazonaws.com"
    known = {"user": (USER, ROOT, HERE), "session": (ROLE, SESSION, ROOT, HERE), "root": (ROOT, HERE)}
    return principal["AWS"] in known.get(caller, ())


def naive(caller: str, asked: tuple[str, str, str | None], found: dict[str, Any], owner: str) -> str:
    def say(kind: str, effect: str) -> list[dict[str, Any]]:
        statements = found[kind] or []
        return [one for one in statements if one["Effect"] == effect and naive_applies(one, caller, *asked)]

    if any(say(kind, "Deny") for kind in found):
        return "explicitDeny"
    by_resource = [one["Principal"] for one in say("resource", "Allow")]
    if caller in ("service", "nobody"):
        return "allowed" if by_resource else "implicitDeny"
    everybody = any(one in ("*", {"AWS": "*"}) for one in by_resource)
    itself = {"AWS": SESSION} in by_resource if caller == "session" else everybody or {"AWS": USER} in by_resource
    if caller == "root":
        itself = everybody or {"AWS": ROOT} in by_resource
    of_role = caller == "session" and (everybody or {"AWS": ROLE} in by_resource)
    if owner == HERE and itself:
        return "allowed"
    mine = bool(say("identity", "Allow")) or caller == "root"
    theirs = bool(by_resource)
    enough = (mine or of_role) if owner == HERE else (mine and theirs)
    within = all(found[kind] is None or say(kind, "Allow") for kind in ("boundary", "session"))
    return "allowed" if enough and within else "implicitDeny"


def statements(*, principals: bool) -> Any:
    fixed: dict[str, Any] = {"Effect": st.sampled_from(["Allow", "Allow", "Deny"])}
    if principals:
        fixed["Principal"] = st.sampled_from(PRINCIPALS)
    action = st.sampled_from(
        [("Action", "s3:GetObject"), ("Action", "s3:*"), ("Action", "*"), ("NotAction", "s3:Put*")]
    )
    resource = st.sampled_from(
        [
            ("Resource", "*"),
            ("Resource", "arn:aws:s3:::b/*"),
            ("Resource", "arn:aws:s3:::b/?"),
            ("NotResource", "arn:aws:s3:::c/*"),
        ]
    )
    return st.tuples(st.fixed_dictionaries(fixed), action, resource, st.sampled_from(CONDITIONS)).map(
        lambda drawn: {
            **drawn[0],
            drawn[1][0]: drawn[1][1],
            drawn[2][0]: drawn[2][1],
            **({} if drawn[3] is None else {"Condition": drawn[3]}),
        }
    )


def lists(*, principals: bool = False) -> Any:
    return st.lists(statements(principals=principals), min_size=1, max_size=3)


def compiled(statements: list[dict[str, Any]], kind: Any = "identity") -> Any:
    return compile_policy(json.dumps({"Version": "2012-10-17", "Statement": statements}), kind)


@settings(max_examples=200, deadline=None)
@given(
    caller=st.sampled_from(list(CALLERS)),
    action=st.sampled_from(["s3:GetObject", "s3:PutObject", "sqs:SendMessage"]),
    resource=st.sampled_from(["arn:aws:s3:::b/1", "arn:aws:s3:::b/12", "arn:aws:s3:::c/1"]),
    k=st.sampled_from([None, "1", "2"]),
    identity=lists(),
    boundary=st.none() | lists(),
    session=st.none() | lists(),
    by_resource=st.none() | lists(principals=True),
    owner=st.sampled_from([HERE, THERE]),
)
def test_both_decide_alike(
    caller: str,
    action: str,
    resource: str,
    k: str | None,
    identity: Any,
    boundary: Any,
    session: Any,
    by_resource: Any,
    owner: str,
) -> None:
    found = {"identity": identity, "boundary": boundary, "session": session, "resource": by_resource}
    if caller in ("service", "nobody"):
        found |= {"identity": None, "boundary": None, "session": None}
    policies = Policies(
        [compiled(found["identity"])] if found["identity"] else [],
        [compiled(by_resource, "resource")] if by_resource else [],
        compiled(found["boundary"]) if found["boundary"] else None,
        [compiled(found["session"])] if found["session"] else None,
        owner,
    )
    request = Request(CALLERS[caller], action, resource, {} if k is None else {"k": (k,)})
    assert decide(request, policies).kind == naive(caller, (action, resource, k), found, owner)
