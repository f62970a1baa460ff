"""Pages of parameters: a walk along the keys that ends once a page is full."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import NamedTuple

from kumoi.services.ssm.records import Parameter, key_of, parameters
from kumoi.state import State, Transaction, transactional
from kumoi.wire.errors import AwsError, aws_error

LONGEST_STEP = 200
"""Parameters looked at in one transaction, at most: each step is twice as long as the one before."""


class Page(NamedTuple):
    """What a page holds, and the token of the next one where there is one."""

    found: list[Parameter]
    token: str | None


async def page(
    state: State, prefix: tuple[str, ...], wanted: Callable[[Parameter], bool], size: int, token: str | None
) -> Page:
    """Up to `size` parameters below a prefix of their keys that are `wanted`, from where a token says on."""
    after = None if token is None else key_of(read_token(token))
    found: list[Parameter] = []
    length = size + 1
    while True:
        step = await _step(state, prefix, after, length)
        for one in step:
            if not wanted(one):
                continue
            if len(found) == size:
                return Page(found, make_token(found[-1].name))
            found.append(one)
        if len(step) < length:
            return Page(found, None)
        after = key_of(step[-1].name)
        length = min(length * 2, LONGEST_STEP)


@transactional
async def _step(
    tx: Transaction, prefix: tuple[str, ...], after: tuple[str, ...] | None, length: int
) -> list[Parameter]:
    return await parameters.list(tx, *prefix, after=after, limit=length)


def make_token(text: str) -> str:
    """A NextToken that goes on behind what is told."""
    return base64.b64encode(text.encode()).decode()


def read_token(token: str) -> str:
    """What a NextToken tells; InvalidNextToken."""
    try:
        return base64.b64decode(token, validate=True).decode()
    except (binascii.Error, ValueError):
        raise no_token() from None


def no_token() -> AwsError:
    """InvalidNextToken."""
    return aws_error("InvalidNextToken", "The specified token isn't valid.")
