"""A user name and a password: whose they are."""

from __future__ import annotations

import asyncio

from kumoi.doorway import Call
from kumoi.services.cognito_idp import changes, srp
from kumoi.services.cognito_idp.errors import no_user, not_authorized
from kumoi.services.cognito_idp.lookup import Scene, hides_users
from kumoi.services.cognito_idp.records import User
from kumoi.services.cognito_idp.sessions import check_open, client_in


async def with_password(call: Call, scene: Scene, user: User | None, password: str) -> User:
    """The user, if the password is theirs; NotAuthorizedException, UserNotFoundException. A wrong one is counted."""
    if user is not None:
        await check_open(call, user)
    name, salt, verifier = ("", "", "") if user is None else (user.name, user.salt, user.verifier)
    # Computed for nobody, too: the time that it takes tells nothing.
    right = await asyncio.to_thread(
        srp.is_password, scene.pool.short_name, name, password, salt or "1", verifier or srp.nobodys_verifier()
    )
    found = known(scene, user)
    await changes.judge(scene.state, found, right=right)
    if not right:
        raise not_authorized()
    return found


def known(scene: Scene, user: User | None) -> User:
    """A user who is there; else NotAuthorizedException, or UserNotFoundException where the client may know."""
    if user is not None:
        return user
    if hides_users(client_in(scene)):
        raise not_authorized()
    raise no_user()
