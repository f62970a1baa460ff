"""Finding what names mean, within a transaction."""

from __future__ import annotations

from kumoi.services.cloudfront.errors import no_distribution
from kumoi.services.cloudfront.kinds import Kind
from kumoi.services.cloudfront.managed import MANAGED
from kumoi.services.cloudfront.records import Configured, Distribution, Place, configured, distributions, places
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error


@transactional
async def find_distribution(tx: Transaction, id: str) -> Distribution:
    """A distribution of the account; raises NoSuchDistribution."""
    found = await distributions.get(tx, id)
    if found is None:
        raise no_distribution()
    return found


@transactional
async def all_distributions(tx: Transaction) -> list[Distribution]:
    """The account's distributions, those made last first."""
    return sorted(await distributions.list(tx), key=lambda one: (-one.created, one.id))


@transactional
async def find_configured(tx: Transaction, kind: Kind, id: str) -> Configured:
    """A thing of a kind, a managed one too; raises the kind's own error."""
    found = MANAGED.get(kind.name, {}).get(id) or await configured.get(tx, kind.name, id)
    if found is None:
        raise missing(kind)
    return found


def missing(kind: Kind) -> Exception:
    """The error for a thing of a kind that does not exist."""
    words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in kind.name).strip()
    return aws_error(kind.missing, f"The specified {words} does not exist.", status=404)


@transactional
async def find_place(tx: Transaction, name: str) -> Place | None:
    """Whose distribution a name means: an id, a label, an alias, or an alias with a wildcard that covers it."""
    found = await places.get(tx, name)
    if found is not None or "." not in name:
        return found
    rest = name
    while "." in rest:
        rest = rest.partition(".")[2]
        if (found := await places.get(tx, f"*.{rest}")) is not None:
            return found
    return None
