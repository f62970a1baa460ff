"""Which permissions Athena's calls need: on the work group, or the data catalog, that they are about.

An execution or a named query is known to a call by its id alone: the work group that it belongs to is looked up.
Source: "Actions, resources, and condition keys for Amazon Athena" of the service authorization reference.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kumoi.doorway import Ask, Authorization, Call, Owned
from kumoi.doorway.authorization import EVERYTHING
from kumoi.services.athena.records import PRIMARY, Execution, NamedQuery, executions, named_queries
from kumoi.state import Transaction, transactional
from kumoi.state.space import Space

_LISTS = ("ListWorkGroups", "ListEngineVersions", "ListDataCatalogs")
_SPACES: Mapping[str, Space[Execution] | Space[NamedQuery]] = {"execution": executions, "namedquery": named_queries}


def resource(call: Call) -> str | Iterable[str]:
    """What a call names; an execution and a named query by an ARN of their own, for `owned` to tell the work group."""
    given = call.params
    if call.operation in _LISTS:
        return EVERYTHING
    if isinstance(given.get("ResourceARN"), str):
        return str(given["ResourceARN"])
    for kind, member in (("execution", "QueryExecutionId"), ("namedquery", "NamedQueryId")):
        names = [given[member]] if member in given else given.get(f"{member}s") or ()
        if names:
            return [call.arn("athena", f"{kind}/{name}") for name in names]
    catalog = given.get("CatalogName") or (given.get("Name") if call.operation == "GetDataCatalog" else None)
    if isinstance(catalog, str):
        return call.arn("athena", f"datacatalog/{catalog}")
    group = given.get("WorkGroup") or (given.get("Name") if call.operation == "CreateWorkGroup" else None)
    return _group(call, group or PRIMARY)


async def owned(call: Call, ask: Ask) -> Owned:
    """The account of a resource, and the work group that an execution or a named query belongs to."""
    account, _, named = ask.resource.partition("athena:")[2].partition(":")[2].partition(":")
    kind, _, name = named.partition("/")
    if kind not in _SPACES:
        return Owned(account or call.account)
    return Owned(call.account, arn=_group(call, await _group_of(call.state, kind, name)))


def _group(call: Call, name: str) -> str:
    return call.arn("athena", f"workgroup/{name}")


@transactional
async def _group_of(tx: Transaction, kind: str, name: str) -> str:
    found = await _SPACES[kind].get(tx, name)
    return PRIMARY if found is None else found.work_group


AUTHORIZATION = Authorization("athena", resource=resource, policy=owned)
