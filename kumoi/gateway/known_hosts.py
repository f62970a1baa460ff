"""What host names lead to: whoever claimed one, or what it says itself; remembered for the next request.

The platform's own names and AWS's are nobody's to claim, but for the parts of them that mean nothing else. A name may
also be one that DNS records lead on from (`point`): it means what the name at their end does, to a service that takes
other names than its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from kumoi.doorway.host_names import HostNames, Meaning
from kumoi.gateway.hosts import AWS_DOMAINS, HostName, bare_host, read_host
from kumoi.gateway.pointed_hosts import pointed_to, pointed_to_claim
from kumoi.gateway.target import Target

_REMEMBERED = 4096
_LONGEST_CHAIN = 8
"""DNS records that are followed from a name."""
LONGEST = 260
"""Characters of the longest DNS name with a port; what is longer is not remembered."""


class KnownHosts(HostNames):
    """The host names of one platform. `endpoints` gives services by their endpoint prefix.

    `forgotten` is called when names may mean something else from now on.
    """

    def __init__(
        self,
        domains: Iterable[str],
        endpoints: Mapping[str, str],
        *,
        default_region: str,
        forgotten: Callable[[], None],
    ) -> None:
        self._domains = tuple(domains)
        self._endpoints = endpoints
        self._default_region = default_region
        self._forgotten = forgotten
        self._claims: dict[str, Target] = {}
        self._wild = False
        self._pointers: dict[str, str] = {}
        self._known: dict[str, HostName | Target] = {}

    def register(self, host: str, target: Target) -> None:
        """Have requests for a host name (a distribution's alias, a custom domain) go to `target`."""
        self._claims[host.lower()] = target
        self._wild = self._wild or host.startswith("*.")
        self._forget()

    def claim(self, host: str, plane: str, region: str, attributes: Mapping[str, str]) -> None:
        """Have requests for a host name go to a data plane."""
        self.register(host, Target("data-plane", plane, region, attributes=attributes))

    def release(self, host: str) -> None:
        """Forget a host name; no error when it is unknown."""
        self._claims.pop(host.lower(), None)
        self._forget()

    def point(self, host: str, target: str | None) -> None:
        """Have a host name lead where another does, or no longer."""
        name, end = host.lower(), None if target is None else target.lower()
        if self._pointers.get(name) == end:
            return
        if end is None:
            del self._pointers[name]
        else:
            self._pointers[name] = end
        self._forget()

    def is_here(self, host: str) -> bool:
        """Whether a host name is this platform's: one of AWS's, a claimed one, or one that leads to these."""
        bare = bare_host(host)
        if bare in self._domains or bare.endswith((*AWS_DOMAINS, *(f".{one}" for one in self._domains))):
            return True
        return self._claimed(bare) is not None or self._pointed(bare) is not None

    def meaning(self, host: str) -> Meaning | None:
        """What a host name leads to, for parts that ask on behalf of somebody else."""
        found = self.of(host)
        if isinstance(found, Target):
            return Meaning(found.service, found.region, found.attributes)
        region = found.region or self._default_region
        if found.plane is not None:
            return Meaning(found.plane, region, found.attributes)
        if found.service == "s3" and "bucket" in found.attributes:
            return Meaning("s3", region, found.attributes)
        return None

    def of(self, name: str) -> HostName | Target:
        """What a Host header says."""
        found = self._known.get(name)
        if found is None:
            if len(name) > LONGEST:
                return HostName()
            found = self._read(name)
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[name] = found
        return found

    def _read(self, name: str) -> HostName | Target:
        bare = bare_host(name)
        said = read_host(name, self._domains, self._endpoints)
        own = bare in self._domains or (bare.endswith(AWS_DOMAINS) and (said.plane or said.service))
        if own:
            return said
        return self._claimed(bare) or (None if said.plane or said.service else self._pointed(bare)) or said

    def _claimed(self, name: str) -> Target | None:
        """Whoever claimed a name, or a wildcard above it; the longest counts."""
        found = self._claims.get(name)
        while found is None and "." in name and self._wild:
            name = name.partition(".")[2]
            found = self._claims.get(f"*.{name}")
        return found

    def _pointed(self, name: str) -> HostName | Target | None:
        """What the name means that a name's records lead to; None for one that has none, or ends elsewhere."""
        if name.rpartition(".")[2].isdigit():
            return None  # an address, which is the platform's own
        end = name
        for _ in range(_LONGEST_CHAIN):
            following = self._pointer(end)
            if following is None:
                break
            end = following
        if end == name:
            return None
        claim = self._claimed(end)
        if claim is not None:
            return pointed_to_claim(claim, name)
        return pointed_to(name, end, self._domains, self._endpoints)

    def _pointer(self, name: str) -> str | None:
        """What a name's own record leads to, or else that of the nearest wildcard."""
        found = self._pointers.get(name)
        while found is None and "." in name and self._pointers:
            name = name.partition(".")[2]
            found = self._pointers.get(f"*.{name}")
        return found

    def _forget(self) -> None:
        self.changes += 1
        self._known.clear()
        self._forgotten()
