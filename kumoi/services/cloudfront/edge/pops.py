"""The simulated points of presence: where viewers arrive, and the region in which functions of a POP run.

A POP has a cache of its own. Source: "Regional edge caches" of the guide, and the codes that X-Amz-Cf-Pop shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import acos, cos, radians, sin


@dataclass(frozen=True, slots=True)
class Pop:
    """One POP. `region` is where its Lambda@Edge functions run; the rest is what its viewers look like by default."""

    code: str
    region: str
    country: str
    country_name: str
    country_region: str
    region_name: str
    city: str
    postal_code: str
    latitude: str
    longitude: str
    time_zone: str
    asn: str

    @property
    def airport(self) -> str:
        """The first part of its code: NRT of NRT57-P1."""
        return self.code[:3]


POPS: tuple[Pop, ...] = tuple(
    Pop(*row)
    for row in (
        ("IAD89-P1", "us-east-1", "US", "United States", "VA", "Virginia", "Ashburn", "20147",
         "39.04380", "-77.48740", "America/New_York", "16509"),
        ("SFO53-P1", "us-west-2", "US", "United States", "CA", "California", "San Francisco", "94103",
         "37.77490", "-122.41940", "America/Los_Angeles", "7922"),
        ("NRT57-P1", "ap-northeast-1", "JP", "Japan", "13", "Tokyo", "Tokyo", "100-0001",
         "35.68950", "139.69170", "Asia/Tokyo", "2516"),
        ("KIX56-P1", "ap-northeast-3", "JP", "Japan", "27", "Osaka", "Osaka", "530-0001",
         "34.69370", "135.50230", "Asia/Tokyo", "17511"),
        ("FRA56-P1", "eu-central-1", "DE", "Germany", "HE", "Hesse", "Frankfurt am Main", "60306",
         "50.11090", "8.68210", "Europe/Berlin", "3320"),
        ("LHR50-P1", "eu-west-2", "GB", "United Kingdom", "ENG", "England", "London", "EC1A",
         "51.50740", "-0.12780", "Europe/London", "2856"),
        ("SIN52-P1", "ap-southeast-1", "SG", "Singapore", "01", "Central Singapore", "Singapore", "018989",
         "1.35210", "103.81980", "Asia/Singapore", "9506"),
        ("SYD62-P1", "ap-southeast-2", "AU", "Australia", "NSW", "New South Wales", "Sydney", "2000",
         "-33.86880", "151.20930", "Australia/Sydney", "1221"),
        ("GRU3-P1", "sa-east-1", "BR", "Brazil", "SP", "Sao Paulo", "Sao Paulo", "01000-000",
         "-23.55050", "-46.63330", "America/Sao_Paulo", "28573"),
        ("BOM78-P1", "ap-south-1", "IN", "India", "MH", "Maharashtra", "Mumbai", "400001",
         "19.07600", "72.87770", "Asia/Kolkata", "55836"),
    )
)  # fmt: skip
"""In the order in which staggered deployments reach them."""

REGIONS: tuple[str, ...] = tuple(dict.fromkeys(pop.region for pop in POPS))
"""The regions in which functions of the edge run."""

HEADER = "x-kumoi-pop"
"""The request header by which a viewer chooses the POP: a code, an airport (`NRT`) or a region."""


def find(wanted: str | None, home: str) -> Pop:
    """The POP that a viewer asked for; else that of the home region, else the first."""
    for name in (wanted, home):
        if name:
            for pop in POPS:
                if name.upper() in (pop.code, pop.airport) or name.lower() == pop.region:
                    return pop
    return POPS[0]


def nearest(pop: Pop) -> list[Pop]:
    """Every POP, the nearest to one first: that one itself."""

    def distance(other: Pop) -> float:
        """The angle between both, seen from the middle of the earth."""
        here, there = (tuple(map(radians, map(float, (one.latitude, one.longitude)))) for one in (pop, other))
        cosine = sin(here[0]) * sin(there[0]) + cos(here[0]) * cos(there[0]) * cos(here[1] - there[1])
        return 0.0 if other is pop else acos(max(-1.0, min(1.0, cosine)))

    return sorted(POPS, key=distance)


def position(pop: Pop) -> int:
    """Its place in staggered deployments, from 0."""
    return POPS.index(pop)
