"""GetRandomPassword."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.secretsmanager import secretsmanager
from kumoi.services.secretsmanager.passwords import random_password


@secretsmanager.operation
async def get_random_password(
    call: Call,
    PasswordLength: int = 32,
    ExcludeCharacters: str = "",
    IncludeSpace: bool = False,
    RequireEachIncludedType: bool = True,
    **kinds: bool,
) -> dict[str, Any]:
    """A random password."""
    without = frozenset(member for member, excluded in kinds.items() if excluded)
    password = random_password(
        PasswordLength, frozenset(ExcludeCharacters), without, space=IncludeSpace, each=RequireEachIncludedType
    )
    return {"RandomPassword": password}
