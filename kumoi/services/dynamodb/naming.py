"""How tables are named: by name or by ARN, and what is refused."""

from __future__ import annotations

from contextlib import suppress

from kumoi.doorway import Call
from kumoi.names import Arn
from kumoi.services.dynamodb.describe import table_arn
from kumoi.services.dynamodb.errors import invalid, no_table
from kumoi.services.dynamodb.records import Table, tables
from kumoi.services.dynamodb.schema import table_name_error
from kumoi.state import State, Transaction


def table_name(call: Call, TableName: str) -> str:
    """The bare name of a table that is named by its name or its ARN; ValidationException for what is neither.

    A table of another account or region is answered as one that is not there.
    """
    if not TableName.startswith("arn:"):
        if (error := table_name_error(TableName)) is not None:
            raise error
        return TableName
    try:
        arn = Arn.parse(TableName)
    except ValueError:
        raise invalid(
            "Invalid table/index name.  Table/index names must be between 3 and 255 characters long"
        ) from None
    kind, _, name = arn.resource.partition("/")
    if arn.service != "dynamodb" or kind != "table" or table_name_error(name) is not None:
        raise invalid(f"Invalid TableArn: Invalid ResourceArn provided as input {TableName}")
    if (arn.account, arn.region) != (call.account, call.region):
        raise no_table()
    return name


def located(call: Call, TableName: str) -> tuple[State, str]:
    """Where a table lies, and its bare name: with an ARN also one of another account, in the same region.

    Whether the caller may use it is for that account's policies to say, which the doorway has asked.
    """
    if not TableName.startswith("arn:"):
        return call.state, table_name(call, TableName)
    with suppress(ValueError):
        arn = Arn.parse(TableName)
        kind, _, name = arn.resource.partition("/")
        if (arn.service, kind, arn.region) == ("dynamodb", "table", call.region) and table_name_error(name) is None:
            return call.state.at(arn.account, arn.region), name
    return call.state, table_name(call, TableName)


async def find_table(tx: Transaction, name: str) -> Table:
    """The table, for operations on items; ResourceNotFoundException without one."""
    return there(await tables.get(tx, name))


def there(table: Table | None) -> Table:
    """A table that was looked for, for operations on items; ResourceNotFoundException without one."""
    if table is None or table.restoring:
        raise no_table()
    return table


def arn_of(call: Call, name: str) -> str:
    """The ARN of a table of the call's account and region."""
    return table_arn(call.account, call.region, name)
