"""Which permissions the catalog's calls need: on the catalog, the database and the table that they name.

Source: "Actions, resources, and condition keys for AWS Glue" of the service authorization reference.
"""

from __future__ import annotations

from collections.abc import Iterable

from kumoi.doorway import Authorization, Call


def resources(call: Call) -> Iterable[str]:
    """The catalog, and what of it is named."""
    given = call.params
    found = [call.arn("glue", "catalog")]
    named = given.get("DatabaseInput") or {}
    about_database = call.operation.endswith(("Database", "Databases"))
    database = given.get("DatabaseName") or (given.get("Name") or named.get("Name") if about_database else None)
    if isinstance(database, str):
        found.append(call.arn("glue", f"database/{database}"))
        table = given.get("TableName") or (given.get("TableInput") or {}).get("Name")
        if not about_database:
            table = table or given.get("Name")
            found.append(call.arn("glue", f"table/{database}/{table or '*'}"))
    elif isinstance(given.get("ResourceArn"), str):
        found.append(given["ResourceArn"])
    return found


AUTHORIZATION = Authorization("glue", resource=resources)
