"""Kumoi's own HTTP interface under `/_kumoi/`: what the command line, the console and tests ask of a platform.

JSON in and out. A request that names another origin is refused: a web page a developer happens to visit must not
reset their platform. Requests are not signed: where policies are enforced they have to come from this machine, and from
whoever has the platform's token, which lies in its data directory; a function that runs here does not.

`interface.py` takes the requests; the handlers are by what they are about, each module with its routes.
"""

from kumoi.gateway.internal.calls import edges
from kumoi.gateway.internal.interface import Internal

__all__ = ["Internal", "edges"]
