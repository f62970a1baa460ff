"""What it would cost on AWS, and budgets that stop what costs too much."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from kumoi.cost.budget import EVERYBODY, Budgets
from kumoi.gateway.internal.requests import BadRequest, Query, Routes, read_body
from kumoi.wire.http import Request

if TYPE_CHECKING:
    from kumoi.gateway.internal.interface import Internal


async def _cost(internal: Internal, request: Request, query: Query) -> Any:
    """The bill of what has passed; a GET says what is wished in its query, a POST in its body."""
    from kumoi.cost.report import Wish, report
    from kumoi.prices import PricesInvalid

    try:
        wish = msgspec.convert(query, Wish, strict=False) if request.method == "GET" else await read_body(request, Wish)
        return await report(internal.doorway, wish)
    except (msgspec.ValidationError, PricesInvalid) as error:
        raise BadRequest(str(error)) from None


class BudgetRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What an hour may cost in USD, of one account or of all together."""

    usd_per_hour: float
    account: str | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.usd_per_hour <= 1e9:
            raise ValueError("usd_per_hour lies between 0 and a thousand million")


async def _budget(internal: Internal, _request: Request, _query: Query) -> Any:
    return {"budgets": internal.doorway.parts[Budgets].told()}


async def _set_budget(internal: Internal, request: Request, query: Query) -> Any:
    wanted = await read_body(request, BudgetRequest)
    internal.doorway.parts[Budgets].set(wanted.usd_per_hour, wanted.account or EVERYBODY)
    return await _budget(internal, request, query)


async def _clear_budget(internal: Internal, request: Request, query: Query) -> Any:
    internal.doorway.parts[Budgets].clear(query.get("account"))
    return await _budget(internal, request, query)


ROUTES: Routes = {
    ("GET", "/_kumoi/cost"): _cost,
    ("POST", "/_kumoi/cost"): _cost,
    ("GET", "/_kumoi/budget"): _budget,
    ("POST", "/_kumoi/budget"): _set_budget,
    ("DELETE", "/_kumoi/budget"): _clear_budget,
}
