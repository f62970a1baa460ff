"""Regions and their Availability Zones; pure.

Every region has the zones a, b and c here, as Fn::GetAZs answers. Source: "Regions and Zones" of the user guide.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

LETTERS = "abc"
OPT_IN = frozenset(
    (
        *("af-south-1", "ap-east-1", "ap-east-2", "ap-south-2", "ap-southeast-3", "ap-southeast-4"),
        *("ap-southeast-5", "ap-southeast-6", "ap-southeast-7", "ca-west-1", "eu-central-2", "eu-south-1"),
        *("eu-south-2", "il-central-1", "me-central-1", "me-south-1", "mx-central-1"),
    )
)
"""Regions that an account has to opt in to."""
_OTHERS = (
    *("ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2"),
    *("ca-central-1", "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3"),
    *("sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2"),
)
REGIONS: tuple[str, ...] = tuple(sorted(OPT_IN.union(_OTHERS)))
_DIRECTION = re.compile("north|south|east|west|central")
_GOVERNMENT = "-gov-"


def zone_names(region: str) -> Sequence[str]:
    """The zones of a region."""
    return [f"{region}{letter}" for letter in LETTERS]


def zone_id(zone: str) -> str:
    """The id of a zone: `use1-az1` of us-east-1a, `apne1-az1` of ap-northeast-1a."""
    region, letter = zone[:-1], zone[-1]
    country, _, rest = region.replace(_GOVERNMENT, "g-").partition("-")
    direction, _, number = rest.rpartition("-")
    short = "".join(part[0] for part in _DIRECTION.findall(direction))
    return f"{country}{short}{number}-az{ord(letter) - ord('a') + 1}"


def zone_of(region: str, given: str) -> str | None:
    """The name of a zone of the region by its name or id; None for no such zone."""
    return next((zone for zone in zone_names(region) if given in (zone, zone_id(zone))), None)
