"""AddPermission, RemovePermission and GetPolicy: who else may invoke a function.

Rules: the API reference; the statement's form and the messages are recorded ones.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from kumoi.doorway import Call
from kumoi.names import uuid
from kumoi.services.lambda_ import lambda_
from kumoi.services.lambda_.configuration import invalid
from kumoi.services.lambda_.identifiers import LATEST, FunctionIdentifier
from kumoi.services.lambda_.operations.find import check_qualifier, check_revision, find_all, identify
from kumoi.services.lambda_.records import Policy, policies
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError, aws_error

_ACCOUNT = re.compile(r"\d{12}")
_IDENTITY = re.compile(r"arn:aws[a-z-]*:(iam|sts)::\d{12}:\S+")
_SERVICE = re.compile(r"[a-z0-9.-]+\.(amazonaws\.com(\.cn)?|amazon\.com|aws\.internal)")

_MAX_POLICY = 20_480

Statements = tuple[dict[str, Any], ...]
"""The statements of a policy."""


@lambda_.operation
async def add_permission(
    call: Call,
    FunctionName: str,
    StatementId: str,
    Action: str,
    Principal: str,
    SourceArn: str | None = None,
    SourceAccount: str | None = None,
    EventSourceToken: str | None = None,
    Qualifier: str | None = None,
    RevisionId: str | None = None,
    PrincipalOrgID: str | None = None,
    FunctionUrlAuthType: str | None = None,
    InvokedViaFunctionUrl: bool | None = None,
) -> dict[str, Any]:
    """Let a service, an account or everybody invoke a function."""
    identifier = identify(call, FunctionName, Qualifier)
    if identifier.qualifier == LATEST:
        raise invalid("We currently do not support adding policies for $LATEST.")
    conditions = {
        "ArnLike": {"AWS:SourceArn": SourceArn},
        "StringEquals": {
            "AWS:SourceAccount": SourceAccount,
            "lambda:EventSourceToken": EventSourceToken,
            "aws:PrincipalOrgID": PrincipalOrgID,
            "lambda:FunctionUrlAuthType": FunctionUrlAuthType,
        },
        "Bool": {"lambda:InvokedViaFunctionUrl": None if InvokedViaFunctionUrl is None else str(InvokedViaFunctionUrl)},
    }
    statement: dict[str, Any] = {
        "Sid": StatementId,
        "Effect": "Allow",
        "Principal": principal_of(Principal),
        "Action": Action,
        "Resource": identifier.arn,
    }
    if condition := _present(conditions):
        statement["Condition"] = condition
    await _add(call.state, identifier, statement, RevisionId)
    return {"Statement": orjson.dumps(statement).decode()}


@lambda_.operation
async def remove_permission(
    call: Call, FunctionName: str, StatementId: str, Qualifier: str | None = None, RevisionId: str | None = None
) -> None:
    """Take a statement out of a function's policy."""
    await _remove(call.state, identify(call, FunctionName, Qualifier), StatementId, RevisionId)


@lambda_.operation
async def get_policy(call: Call, FunctionName: str, Qualifier: str | None = None) -> dict[str, Any]:
    """The policy of a function, a version or an alias."""
    policy = await _get(call.state, identify(call, FunctionName, Qualifier))
    return {"Policy": orjson.dumps(document_of(policy.statements)).decode(), "RevisionId": policy.revision_id}


def principal_of(text: str) -> dict[str, str] | str:
    """A Principal as statements have it; InvalidParameterValueException for what is none."""
    if text == "*":
        return "*"
    if _ACCOUNT.fullmatch(text):
        return {"AWS": f"arn:aws:iam::{text}:root"}
    if _IDENTITY.fullmatch(text):
        return {"AWS": text}
    if _SERVICE.fullmatch(text):
        return {"Service": text}
    raise invalid("The provided principal was invalid. Please check the principal and try again.")


def with_statement(statements: Statements, added: dict[str, Any]) -> Statements:
    """A policy's statements with one more; ResourceConflictException when its id is taken."""
    sid = added["Sid"]
    if any(one["Sid"] == sid for one in statements):
        raise aws_error(
            "ResourceConflictException",
            f"The statement id ({sid}) provided already exists. Please provide a new statement id, or remove the "
            "existing statement.",
            Type="User",
        )
    extended = (*statements, added)
    size = len(orjson.dumps(document_of(extended)))
    if size > _MAX_POLICY:
        raise aws_error(
            "PolicyLengthExceededException",
            f"The final policy size ({size}) is bigger than the limit ({_MAX_POLICY}).",
            Type="User",
        )
    return extended


def without_statement(statements: Statements, sid: str) -> Statements:
    """A policy's statements without one; ResourceNotFoundException when there is none of that id."""
    left = tuple(one for one in statements if one["Sid"] != sid)
    if len(left) == len(statements):
        raise _missing(f"Statement {sid} is not found in resource policy.")
    return left


def document_of(statements: Statements) -> dict[str, Any]:
    """The policy document with these statements."""
    return {"Version": "2012-10-17", "Id": "default", "Statement": list(statements)}


def _present(conditions: dict[str, dict[str, str | None]]) -> dict[str, dict[str, str]]:
    present = {
        operator: {
            key: value.lower() if operator == "Bool" else value for key, value in keys.items() if value is not None
        }
        for operator, keys in conditions.items()
    }
    return {operator: keys for operator, keys in present.items() if keys}


@transactional
async def _add(
    tx: Transaction, identifier: FunctionIdentifier, statement: dict[str, Any], revision_id: str | None
) -> None:
    found = await find_all(tx, identifier)
    qualifier = identifier.qualifier or ""
    policy = await policies.get(tx, identifier.name, qualifier)
    revision = policy or found.alias or found.function
    check_revision(revision.revision_id, revision_id, "GetPolicy")
    statements = with_statement(() if policy is None else policy.statements, statement)
    await policies.put(tx, Policy(identifier.name, qualifier, statements, uuid()))


@transactional
async def _remove(tx: Transaction, identifier: FunctionIdentifier, sid: str, revision_id: str | None) -> None:
    qualifier = await check_qualifier(tx, identifier)
    policy = await policies.get(tx, identifier.name, qualifier)
    if policy is None:
        raise _missing("No policy is associated with the given resource.")
    check_revision(policy.revision_id, revision_id, "GetPolicy")
    left = without_statement(policy.statements, sid)
    if left:
        await policies.put(tx, Policy(identifier.name, qualifier, left, uuid()))
    else:
        await policies.delete(tx, identifier.name, qualifier)


@transactional
async def _get(tx: Transaction, identifier: FunctionIdentifier) -> Policy:
    qualifier = await check_qualifier(tx, identifier)
    policy = await policies.get(tx, identifier.name, qualifier)
    if policy is None:
        raise _missing("The resource you requested does not exist.")
    return policy


def _missing(message: str) -> AwsError:
    return aws_error("ResourceNotFoundException", message, Type="User")
