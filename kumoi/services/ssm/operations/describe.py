"""DescribeParameters: what parameters there are, without their values."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.ssm import ssm
from kumoi.services.ssm.answers import metadata
from kumoi.services.ssm.filters import DESCRIBED, read_filters, read_old_filters
from kumoi.services.ssm.naming import invalid, parameter_arn
from kumoi.services.ssm.pages import page


@ssm.operation
async def describe_parameters(
    call: Call,
    Filters: list[dict[str, Any]] | None = None,
    ParameterFilters: list[dict[str, Any]] | None = None,
    MaxResults: int = 50,
    NextToken: str | None = None,
    Shared: bool = False,
) -> dict[str, Any]:
    """Parameters by name, a page at a time. None are shared with an account here."""
    if Filters and ParameterFilters:
        raise invalid("You can use either Filters or ParameterFilters in a single request.")
    tests = read_old_filters(Filters) if Filters else read_filters(ParameterFilters or [], DESCRIBED)
    if Shared:
        return {"Parameters": []}
    found, token = await page(call.state, (), lambda one: all(test(one) for test in tests), MaxResults, NextToken)
    shown = [{**metadata(one.latest), "ARN": parameter_arn(call.account, call.region, one.name)} for one in found]
    return {"Parameters": shown, **({"NextToken": token} if token else {})}
