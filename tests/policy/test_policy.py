"""IAM policies: what they say of requests, and what is no policy."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kumoi.policy import Caller, Policies, PolicyError, Request, compile_policy, decide
from kumoi.policy.patterns import any_of

ACCOUNT, OTHER = "111111111111", "222222222222"
ALICE = Caller(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/alice")
SESSION = Caller(ACCOUNT, f"arn:aws:sts::{ACCOUNT}:assumed-role/app/one", f"arn:aws:iam::{ACCOUNT}:role/app")
OBJECT = "arn:aws:s3:::pictures/cats/tom.jpg"


def policy(*statements: dict[str, Any], kind: Any = "identity") -> Any:
    return compile_policy(json.dumps({"Version": "2012-10-17", "Statement": list(statements)}), kind)


def allow(action: Any = "*", resource: Any = "*", effect: str = "Allow", **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def asked(action: str = "s3:GetObject", resource: str = OBJECT, caller: Caller = ALICE, **context: Any) -> Request:
    values = {
        key.replace("__", ":").lower(): [value] if isinstance(value, str) else value for key, value in context.items()
    }
    return Request(caller, action, resource, values)


def says(statement: dict[str, Any], request: Request) -> bool:
    return decide(request, Policies(identity=[policy(statement)])).allowed


@pytest.mark.parametrize(
    ("statement", "allowed"),
    [
        (allow(), True),
        (allow("s3:GetObject"), True),
        (allow("S3:getobject"), True),
        (allow("s3:Get*"), True),
        (allow("s3:GetObjec?"), True),
        (allow(["s3:PutObject", "s3:GetObject"]), True),
        (allow("s3:Put*"), False),
        (allow("s3:GetObject", "arn:aws:s3:::pictures/*"), True),
        (allow("s3:GetObject", "arn:aws:s3:::pictures/cats/*.jpg"), True),
        (allow("s3:GetObject", "arn:aws:s3:::PICTURES/*"), False),
        (allow("s3:GetObject", "arn:aws:s3:::pictures"), False),
        ({"Effect": "Allow", "NotAction": "s3:Put*", "Resource": "*"}, True),
        ({"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}, False),
        ({"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::pictures/*"}, False),
        ({"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::papers/*"}, True),
        (allow("s3:GetObject", "arn:aws:s3:::pictures/${aws:username}/*"), False),
        (allow("s3:GetObject", "arn:aws:s3:::pictures/${aws:PrincipalTag/team}/*"), True),
        (allow("s3:GetObject", "arn:aws:s3:::pictures/${aws:nothing, 'cats'}/*"), True),
    ],
)
def test_a_statement_is_about_actions_and_resources(statement: dict[str, Any], allowed: bool) -> None:
    assert says(statement, asked(aws__username="alice", **{"aws__PrincipalTag/team": "cats"})) is allowed


@pytest.mark.parametrize(
    ("operator", "values", "context", "holds"),
    [
        ("StringEquals", "a", "a", True),
        ("StringEquals", ["b", "a"], "a", True),
        ("StringEquals", "A", "a", False),
        ("StringEquals", "a", None, False),
        ("StringEqualsIfExists", "a", None, True),
        ("StringNotEquals", "a", "b", True),
        ("StringNotEquals", ["a", "b"], "b", False),
        ("StringNotEquals", "a", None, True),
        ("StringEqualsIgnoreCase", "A", "a", True),
        ("StringLike", "a*c", "abbc", True),
        ("StringNotLike", "a*c", "abbc", False),
        ("NumericLessThan", "10", "9.5", True),
        ("NumericEquals", 7, "7.0", True),
        ("NumericGreaterThanEquals", "7", "x", False),
        ("NumericLessThan", "10", "NaN", False),
        ("NumericGreaterThan", "sNaN", "5", False),
        ("DateGreaterThan", "2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z", True),
        ("DateLessThan", "1767225600", "2026-06-01T00:00:00Z", False),
        ("Bool", "true", "True", True),
        ("Bool", False, "false", True),
        ("IpAddress", "10.0.0.0/8", "10.2.3.4", True),
        ("NotIpAddress", "10.0.0.0/8", "10.2.3.4", False),
        ("IpAddress", "2001:db8::/32", "2001:db8::1", True),
        ("IpAddress", "10.0.0.0/8", "no address", False),
        ("ArnLike", "arn:aws:sns:*:*:topic", "arn:aws:sns:eu-west-1:1:topic", True),
        ("ArnLike", "arn:aws:*:topic", "arn:aws:sns:eu-west-1:1:topic", False),
        ("ArnNotEquals", "arn:aws:sns:*:*:topic", "arn:aws:sns:eu-west-1:1:other", True),
        ("BinaryEquals", "YQ==", "YQ==", True),
        ("Null", "true", None, True),
        ("Null", "true", "a", False),
        ("Null", "false", "a", True),
        ("ForAllValues:StringEquals", ["a", "b"], ["a", "b"], True),
        ("ForAllValues:StringEquals", ["a", "b"], ["a", "c"], False),
        ("ForAllValues:StringEquals", ["a"], None, True),
        ("ForAnyValue:StringEquals", ["a"], ["x", "a"], True),
        ("ForAnyValue:StringEquals", ["a"], None, False),
        ("ForAnyValue:StringLike", ["a*"], ["x", "abc"], True),
        ("StringEquals", "${aws:username}", "alice", True),
    ],
)
def test_conditions(operator: str, values: Any, context: Any, holds: bool) -> None:
    statement = allow(Condition={operator: {"app:Key": values}})
    given = {"aws__username": "alice"} | ({} if context is None else {"app__key": context})
    assert says(statement, asked(**given)) is holds


def test_every_condition_must_hold() -> None:
    statement = allow(Condition={"StringEquals": {"a:x": "1", "a:y": "2"}, "Bool": {"a:z": "true"}})
    assert says(statement, asked(a__x="1", a__y="2", a__z="true"))
    assert not says(statement, asked(a__x="1", a__y="2", a__z="false"))
    assert not says(statement, asked(a__x="1", a__z="true"))


def test_a_denial_decides() -> None:
    deny = policy(allow("s3:*", effect="Deny", Sid="No"))
    decision = decide(asked(), Policies(identity=[policy(allow()), deny]))
    assert (decision.kind, decision.sid) == ("explicitDeny", "No")
    assert decision.because == "with an explicit deny in an identity-based policy"
    nothing = decide(asked(), Policies())
    assert (nothing.kind, nothing.because) == (
        "implicitDeny",
        "because no identity-based policy allows the s3:GetObject action",
    )


def test_boundaries_and_sessions_take_away() -> None:
    own = [policy(allow())]
    assert decide(asked(), Policies(own, boundary=policy(allow("s3:Get*")))).allowed
    assert not decide(asked("s3:PutObject"), Policies(own, boundary=policy(allow("s3:Get*")))).allowed
    assert not decide(asked(), Policies(own, session=[policy(allow("sqs:*"))])).allowed
    assert not decide(asked(), Policies((), boundary=policy(allow()))).allowed


def granted(principal: Any, **more: Any) -> Any:
    return policy(allow(Principal=principal, **more), kind="resource")


@pytest.mark.parametrize(
    ("principal", "caller", "allowed"),
    [
        ("*", ALICE, True),
        ({"AWS": "*"}, ALICE, True),
        ({"AWS": ALICE.arn}, ALICE, True),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:user/bob"}, ALICE, False),
        ({"AWS": SESSION.role_arn}, SESSION, True),
        ({"AWS": SESSION.arn}, SESSION, True),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, ALICE, False),
        ({"Service": "s3.amazonaws.com"}, Caller(ACCOUNT, service="s3.amazonaws.com"), True),
        ({"Service": "sns.amazonaws.com"}, Caller(ACCOUNT, service="s3.amazonaws.com"), False),
        ({"AWS": OTHER}, ALICE, False),
    ],
)
def test_a_resource_lets_principals_in(principal: Any, caller: Caller, allowed: bool) -> None:
    assert decide(asked(caller=caller), Policies(resource=[granted(principal)], owner=ACCOUNT)).allowed is allowed


def test_across_accounts_both_sides_allow() -> None:
    own, theirs = [policy(allow())], granted({"AWS": ACCOUNT})
    assert decide(asked(), Policies(own, [theirs], owner=OTHER)).allowed
    assert not decide(asked(), Policies(own, owner=OTHER)).allowed
    assert not decide(asked(), Policies((), [theirs], owner=OTHER)).allowed


def test_root_may_what_nothing_denies() -> None:
    root = Caller(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root")
    assert decide(asked(caller=root), Policies(owner=ACCOUNT)).allowed
    assert not decide(asked(caller=root), Policies(resource=[granted("*", effect="Deny")], owner=ACCOUNT)).allowed


@pytest.mark.parametrize(
    ("document", "kind", "message"),
    [
        ("{", "identity", "This policy contains invalid Json"),
        ("[]", "identity", "Syntax errors in policy."),
        ('{"Version": "2012-10-17"}', "identity", "Syntax errors in policy."),
        ('{"Version": "2020-01-01", "Statement": []}', "identity", "Syntax errors in policy."),
        (
            '{"Statement": [{"Effect": "Maybe", "Action": "*", "Resource": "*"}]}',
            "identity",
            "Syntax errors in policy.",
        ),
        ('{"Statement": {"Effect": "Allow", "Resource": "*"}}', "identity", "Policy statement must contain actions."),
        ('{"Statement": {"Effect": "Allow", "Action": "*"}}', "identity", "Policy statement must contain resources."),
        (
            '{"Statement": {"Effect": "Allow", "Action": "GetObject", "Resource": "*"}}',
            "identity",
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
        ),
        (
            '{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "bucket"}}',
            "identity",
            'Resource bucket must be in ARN format or "*".',
        ),
        (
            '{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Principal": "*"}}',
            "identity",
            "Policy document should not specify a principal.",
        ),
        (
            '{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}',
            "resource",
            "Missing required field Principal",
        ),
        (
            '{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Principal": {"Who": "x"}}}',
            "resource",
            "Invalid principal in policy",
        ),
        (
            '{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Principal": "*"}}',
            "trust",
            "Has prohibited field Resource",
        ),
        (
            '{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"Like": {"a": "b"}}}}',
            "identity",
            "Invalid Condition type : Like.",
        ),
        (
            '{"Statement": [{"Sid": "a", "Effect": "Allow", "Action": "*", "Resource": "*"},'
            ' {"Sid": "a", "Effect": "Allow", "Action": "*", "Resource": "*"}]}',
            "identity",
            "Statement IDs (SID) in a single policy must be unique.",
        ),
    ],
)
def test_what_is_no_policy(document: str, kind: Any, message: str) -> None:
    with pytest.raises(PolicyError) as refused:
        compile_policy(document, kind)
    assert str(refused.value) == message


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["*", "s3:*", "arn:aws:s3:::x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["AWS", "Service", "StringLike", "a:b", "Sid"]), inner, max_size=3)
    ),
    max_leaves=6,
)
ELEMENTS = [*("Sid", "Effect", "Action", "NotAction", "Resource"), *("NotResource", "Principal", "Condition", "Other")]


@given(
    statement=st.dictionaries(st.sampled_from(ELEMENTS), json_values | st.just("Allow"), max_size=6),
    kind=st.sampled_from(["identity", "resource", "trust"]),
)
def test_garbage_is_a_policy_or_a_policy_error(statement: Any, kind: Any) -> None:
    try:
        found = compile_policy(json.dumps({"Statement": [statement]}), kind)
    except PolicyError:
        return
    decide(asked(), Policies([found]))


@given(pattern=st.text("ab*?", max_size=8), text=st.text("ab", max_size=8))
def test_wildcards_match_as_a_simple_matcher_does(pattern: str, text: str) -> None:
    def simple(pattern: str, text: str) -> bool:
        if not pattern:
            return not text
        if pattern[0] == "*":
            return any(simple(pattern[1:], text[at:]) for at in range(len(text) + 1))
        return bool(text) and pattern[0] in ("?", text[0]) and simple(pattern[1:], text[1:])

    assert any_of([pattern])(text, {}) is simple(pattern, text)
    assert any_of(["${x}" + pattern])(text, {"x": [""]}) is simple(pattern, text)


def test_many_wildcards_hold_nobody_up() -> None:
    began = time.thread_time()
    for pattern in ("*a" * 20 + "*b", "${x}" + "*a" * 20 + "*b"):
        assert not any_of([pattern])("a" * 1000, {"x": [""]})
    assert time.thread_time() - began < 1


def test_values_of_variables_are_no_wildcards() -> None:
    test = any_of(["home/${aws:username}/*"])
    assert test("home/*/x", {"aws:username": ["*"]})
    assert not test("home/bob/x", {"aws:username": ["*"]})
    assert not test("home/bob/x", {"aws:username": ["alice", "bob"]})
