"""The map: nodes and edges, as declared and as observed, with applications, for one account.

Declarations are read again only after something was set up, and not more than once in two seconds; figures are
counted all the time. `structure` names what there is: pictures are laid out anew when it changes, and only then.
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

from kumoi.doorway import Doorway
from kumoi.lake import View
from kumoi.names import DEFAULT_REGION
from kumoi.studio.advice import advice
from kumoi.studio.apps import apps, named_for, tagged
from kumoi.studio.declared import Declared, declared
from kumoi.studio.looking import Looker
from kumoi.studio.nodes import is_traffic, settled
from kumoi.studio.traffic import CALLS, ERRORS, Traffic

_PEOPLE = {"client": "Clients", "studio": "Studio"}

_AT_ONCE = 25
"""Edges whose figures are worked out before others have their turn: 0.1 ms each."""

RESTED = 2.0
"""Seconds between two readings of what is declared."""

_HISTORY = """
    SELECT account, region, source, target, service, operation, CAST(sum(calls) AS BIGINT) AS calls,
           CAST(coalesce(sum(calls) FILTER (outcome <> 'ok'), 0) AS BIGINT) AS errors, max(time) AS latest
    FROM (SELECT *, coalesce(TRY_CAST(regexp_extract(units, '(?:^|,)requests=([0-9]+)', 1) AS BIGINT), 1) AS calls
          FROM hops) WHERE time < ? AND contains(target, ':') AND NOT (? AND source LIKE 'lambda:%' AND service = 's3'
        AND coalesce(principal, '') = '') GROUP BY ALL
"""
"""As live hops: where policies are asked, functions call S3 in their role, and who fetches their code does not."""


class Board:
    """Maps by account."""

    def __init__(self, doorway: Doorway, traffic: Traffic) -> None:
        self._doorway = doorway
        self._traffic = traffic
        self._read: dict[str, tuple[int, float, Declared, dict[str, tuple[str, str]]]] = {}
        self._lock = asyncio.Lock()
        self._began = int(doorway.clock.now() * 1000)

    async def regions(self, account: str) -> list[str]:
        """The regions where something of the account has happened, the default one first."""
        seen = self._traffic.regions.get(account, set())
        return [DEFAULT_REGION, *sorted(seen - {DEFAULT_REGION})]

    async def map(self, account: str) -> dict[str, Any]:
        """The whole map as JSON."""
        stated, owners = await self._declared(account)
        now = _now()
        observed = self._traffic.edges(account)
        edges: list[dict[str, Any]] = []
        for number, (source, target) in enumerate({**dict.fromkeys(stated.edges), **dict.fromkeys(observed)}, 1):
            via = stated.edges.get((source, target), "")
            seen = observed.get((source, target))
            origin = "both" if via and seen else "declared" if via else "observed"
            edge = {"id": f"{source}→{target}", "source": source, "target": target, "origin": origin, "via": via}
            edges.append({**edge, "stats": seen.told(now) if seen else None})
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)
        ends = {end for edge in edges for end in (edge["source"], edge["target"])}
        known_apps = {app for app, _ in owners.values()}
        told = advice(stated.details, stated.edges, {ends: edge.operations for ends, edge in observed.items()})
        nodes = [
            {**self._node(one, stated, owners, known_apps), "advice": told.get(one, [])}
            for one in sorted(ends | set(owners) | set(stated.nodes))
        ]
        shape = "\n".join([*(f"{n['id']} {n['app']}" for n in nodes), *sorted(edge["id"] for edge in edges)])
        return {
            "account": account,
            "accounts": self._traffic.accounts,
            "regions": await self.regions(account),
            "structure": hashlib.sha256(shape.encode()).hexdigest()[:16],
            "revision": self._traffic.revision(account),
            "nodes": nodes,
            "edges": edges,
            "problems": stated.problems,
        }

    def behind(self, account: str) -> bool:
        """Whether the map that was told last lacks what was set up since, and may be read again."""
        held = self._read.get(account)
        return held is not None and held[0] != self._traffic.revision(account) and _now() - held[1] >= RESTED

    async def figures(self, account: str, since: float) -> tuple[float, dict[str, Any]]:
        """The figures of edges that changed after `since`, or whose rates may still fall; and the time now."""
        edges = self._traffic.edges(account)
        now = _now()
        changed = [edge for edge in edges.values() if edge.changed > since or (edge.buckets and int(now) != int(since))]
        found: dict[str, Any] = {}
        for number, edge in enumerate(changed, 1):
            found[f"{edge.source}→{edge.target}"] = edge.told(now)
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)
        return now, found

    async def seed(self) -> None:
        """Count what the lake still knows from before this start; its edges are seen, not live."""
        self._doorway.hops.flush()
        found = await self._doorway.lake.query(
            _HISTORY, [self._began, self._doorway.identity.mode != "off"], views={"hops": View("hops", None, None)}
        )
        for account, region, source, target, service, operation, calls, errors, latest in found.rows:
            self._traffic.regions.setdefault(account, set()).add(region)
            plane = self._doorway.registry.data_plane(operation) is not None
            if not is_traffic(service, operation, plane):
                continue
            edge = self._traffic.remembered(account, settled(source), settled(target), service, operation)
            if edge is not None:
                edge.totals[CALLS] += calls
                edge.totals[ERRORS] += errors
                edge.operations[operation] += calls
                edge.last_seen = max(edge.last_seen, latest)

    def _node(
        self, node: str, stated: Declared, owners: dict[str, tuple[str, str]], known_apps: set[str]
    ) -> dict[str, Any]:
        service, _, name = node.partition(":")
        app, logical = owners.get(node) or (named_for(node, known_apps), "")
        known = stated.nodes.get(node, {})
        return {
            "id": node,
            "kind": service,
            "name": name or service,
            "label": known.get("title") or logical or name or _PEOPLE.get(service, service),
            "app": app,
            "region": known.get("region", ""),
        }

    async def _declared(self, account: str) -> tuple[Declared, dict[str, tuple[str, str]]]:
        async with self._lock:
            held = self._read.get(account)
            if held is not None and (held[0] == self._traffic.revision(account) or _now() - held[1] < RESTED):
                return held[2], held[3]
            revision = self._traffic.revision(account)
            stated, owners = Declared(), dict[str, tuple[str, str]]()
            for region in await self.regions(account):
                looker = Looker(self._doorway, account, region)
                one = await declared(looker)
                stated.nodes |= one.nodes
                stated.edges |= one.edges
                stated.details |= one.details
                stated.problems += one.problems
                owned, problems = await apps(looker)
                owners |= owned
                owners |= await tagged(looker, [node for node in one.nodes if node not in owners])
                stated.problems += problems
            self._read[account] = (revision, _now(), stated, owners)
            return stated, owners


def _now() -> float:
    return asyncio.get_running_loop().time()
