"""Reading parameters: one, several, those below a path, and what one was before."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.ssm import ssm
from kumoi.services.ssm.answers import metadata, parameter, value_of
from kumoi.services.ssm.filters import BY_PATH, is_below, labels_wanted, read_filters
from kumoi.services.ssm.naming import check_path
from kumoi.services.ssm.pages import make_token, no_token, page, read_token
from kumoi.services.ssm.public import SECRETS, SERVICE, missing_public, secret_parameter
from kumoi.services.ssm.records import Parameter, Version, key_of, versions
from kumoi.services.ssm.store import find, find_version, not_found, reference_of, version_of
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError


@ssm.operation
async def get_parameter(call: Call, Name: str, WithDecryption: bool = False) -> dict[str, Any]:
    """A parameter's latest version, or the one that `name:version` or `name:label` asks for."""
    found = await _read(call, Name, decrypted=WithDecryption)
    if found is None:
        name = Name.strip()
        raise missing_public(name) if name.startswith(SERVICE) else not_found()
    return {"Parameter": found}


@ssm.operation
async def get_parameters(call: Call, Names: list[str], WithDecryption: bool = False) -> dict[str, Any]:
    """Up to ten parameters; the names of those that are not there."""
    found, missing = [], []
    for name in dict.fromkeys(Names):
        try:
            one = await _read(call, name, decrypted=WithDecryption)
        except AwsError as error:
            if error.code not in ("ParameterNotFound", "ParameterVersionNotFound"):
                raise
            one = None
        if one is None:
            missing.append(name)
        else:
            found.append(one)
    return {"Parameters": found, "InvalidParameters": missing}


async def _read(call: Call, text: str, *, decrypted: bool) -> dict[str, Any] | None:
    if text.strip().startswith(SECRETS):
        return await secret_parameter(call, text.strip(), decrypted=decrypted)
    reference = reference_of(call, text)
    version = await find_version(call.state, reference)
    if version is None:
        return None
    return parameter(call, version, decrypted=decrypted, selector=reference.selector)


@ssm.operation
async def get_parameters_by_path(
    call: Call,
    Path: str,
    Recursive: bool = False,
    ParameterFilters: list[dict[str, Any]] | None = None,
    WithDecryption: bool = False,
    MaxResults: int = 10,
    NextToken: str | None = None,
) -> dict[str, Any]:
    """The parameters below a path, a page at a time; with a Label filter the versions that have it."""
    check_path(Path)
    if f"{Path}/".startswith(SERVICE):
        raise missing_public(Path)
    filters = ParameterFilters or []
    tests = read_filters(filters, BY_PATH)
    below = Path.rstrip("/") + "/"

    def wanted(one: Parameter) -> bool:
        return is_below(one.name, below, deep=Recursive) and all(test(one) for test in tests)

    prefix = () if below == "/" else key_of(below)[:-1]
    found, token = await page(call.state, prefix, wanted, MaxResults, NextToken)
    shown = await _labelled(call.state, found, labels_wanted(filters))
    answer: dict[str, Any] = {"Parameters": [parameter(call, one, decrypted=WithDecryption) for one in shown]}
    return {**answer, "NextToken": token} if token else answer


@transactional
async def _labelled(tx: Transaction, found: list[Parameter], labels: list[str]) -> list[Version]:
    """The versions to show: the latest ones, or those that have one of some labels."""
    if not labels:
        return [one.latest for one in found]
    return [
        await version_of(tx, one, number)
        for one in found
        for number in dict.fromkeys(one.labels[label] for label in labels if label in one.labels)
    ]


@ssm.operation
async def get_parameter_history(
    call: Call, Name: str, WithDecryption: bool = False, MaxResults: int = 50, NextToken: str | None = None
) -> dict[str, Any]:
    """Every version kept of a parameter, the oldest first."""
    reference = reference_of(call, Name)
    after = 0 if NextToken is None else _number(NextToken)
    found = await find(call.state, reference)
    if found is None:
        raise not_found()
    listed = await _history(call.state, found, after, MaxResults + 1)
    shown = [
        {
            **metadata(one),
            "Value": value_of(call, one, decrypted=WithDecryption),
            "Labels": found.labels_of(one.number),
        }
        for one in listed[:MaxResults]
    ]
    answer: dict[str, Any] = {"Parameters": shown}
    if len(listed) > MaxResults:
        answer["NextToken"] = make_token(str(listed[MaxResults - 1].number))
    return answer


def _number(token: str) -> int:
    text = read_token(token)
    if not text.isascii() or not text.isdecimal() or len(text) > 18:
        raise no_token()
    return int(text)


@transactional
async def _history(tx: Transaction, found: Parameter, after: int, limit: int) -> list[Version]:
    return await versions.list(tx, found.name, after=(found.name, after), limit=limit)
