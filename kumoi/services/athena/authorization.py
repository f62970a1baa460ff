"""Which permissions Athena's calls need: on the work group, or the data catalog, that they are about.

Source: "Actions, resources, and condition keys for Amazon Athena" of the service authorization reference.
"""

from __future__ import annotations

from kumoi.doorway import Authorization, Call
from kumoi.doorway.authorization import EVERYTHING
from kumoi.services.athena.records import PRIMARY

_LISTS = ("ListWorkGroups", "ListEngineVersions", "ListDataCatalogs")


def resource(call: Call) -> str:
    """What a call names; executions and named queries belong to a work group."""
    given = call.params
    if call.operation in _LISTS:
        return EVERYTHING
    if isinstance(given.get("ResourceARN"), str):
        return str(given["ResourceARN"])
    catalog = given.get("CatalogName") or (given.get("Name") if call.operation == "GetDataCatalog" else None)
    if isinstance(catalog, str):
        return call.arn("athena", f"datacatalog/{catalog}")
    group = given.get("WorkGroup") or (given.get("Name") if call.operation == "CreateWorkGroup" else None)
    return call.arn("athena", f"workgroup/{group or PRIMARY}")


AUTHORIZATION = Authorization("athena", resource=resource)
