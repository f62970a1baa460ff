"""From a name to the distribution that it means, as a POP serves it now."""

from __future__ import annotations

from kumoi.doorway import Call
from kumoi.services.cloudfront.edge.compiled import Served, compile_distribution
from kumoi.services.cloudfront.edge.deployments import Deployments, Located, serves_previous
from kumoi.services.cloudfront.edge.pops import Pop
from kumoi.services.cloudfront.lookup import find_place
from kumoi.services.cloudfront.naming import REGION
from kumoi.services.cloudfront.records import distributions
from kumoi.state import Transaction, transactional


async def compiled(call: Call, name: str, pop: Pop) -> Served | None:
    """The distribution of a name as the POP serves it now; None where there is none, or where it is disabled."""
    deployments = call.part(Deployments)
    generation = deployments.generation
    name = _looked_up(call, name)
    located = deployments.located(name)
    if located is None:
        located = await _located(call.doorway.state.at("", ""), name)
        if located is None:
            return None
        deployments.locate(name, located, generation)
    one = located.distribution
    previous = serves_previous(one, pop, call.now)
    found = deployments.get(located, previous)
    if found is None:
        config = one.previous if previous and one.previous is not None else one.config
        state = call.doorway.state.at(located.account, REGION)
        found = await compile_distribution(state, located.account, one, config)
        deployments.keep(located, previous, found, generation)
    return found if found.enabled else None


def is_settled(call: Call, name: str) -> bool:
    """Whether what a name means is the same at every POP, until something is changed."""
    located = call.part(Deployments).located(_looked_up(call, name))
    return located is not None and located.distribution.deployed(call.now)


def _looked_up(call: Call, name: str) -> str:
    """The name to look up: of a wildcard's viewers the host that they asked."""
    return bare(call.http.host) if name.startswith("*.") and call.http is not None else name


@transactional
async def _located(tx: Transaction, name: str) -> Located | None:
    place = await find_place(tx, name)
    if place is None and name != name.upper():
        place = await find_place(tx, name.upper())
    if place is None:
        return None
    one = await distributions.get(tx.at(place.account, REGION), place.distribution)
    return None if one is None else Located(place.account, one)


def bare(host: str) -> str:
    """A host name in lower case without its port."""
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).lower()
