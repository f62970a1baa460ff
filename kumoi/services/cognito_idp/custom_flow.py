"""CUSTOM_AUTH: challenges that the pool's functions define, make and judge.

Where the client hides who is a user, the functions are asked for nobody, too (`userNotFound`), and may challenge them
just so; whatever is answered, no tokens are given. Source: "Managing user existence error responses".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kumoi.doorway import Call
from kumoi.services.cognito_idp.errors import invalid, no_user, not_authorized
from kumoi.services.cognito_idp.lookup import Scene, hides_users
from kumoi.services.cognito_idp.records import User
from kumoi.services.cognito_idp.sessions import Answer, challenge, check_open, client_in, opened, use_up, use_up_nobodys
from kumoi.services.cognito_idp.srp_flow import nobodys_name
from kumoi.services.cognito_idp.triggers import attributes_for, trigger


async def custom(
    call: Call, scene: Scene, user: User | None, name: str, done: list[dict[str, Any]], metadata: Mapping[str, str]
) -> Answer | User:
    """Let the pool's functions say what is asked next of a user, or of nobody of a name; the user, once it is enough.

    UserNotFoundException where the client may know that nobody has the name.
    """
    if user is not None:
        await check_open(call, user)
        name = user.name
    elif not hides_users(client_in(scene)):
        raise no_user()
    request = {
        "userAttributes": {} if user is None else attributes_for(user),
        "session": done,
        "userNotFound": user is None,
        "clientMetadata": dict(metadata),
    }
    blank = {"challengeName": None, "issueTokens": None, "failAuthentication": None}
    answer = await trigger(
        call, scene, "DefineAuthChallenge", "DefineAuthChallenge_Authentication", name, request, blank
    )
    if answer is None:
        raise invalid("Custom auth lambda trigger is not configured for the user pool.")
    if answer.get("failAuthentication") or (answer.get("issueTokens") and user is None):
        raise not_authorized()
    if answer.get("issueTokens"):
        assert user is not None
        return user
    made = await trigger(
        call,
        scene,
        "CreateAuthChallenge",
        "CreateAuthChallenge_Authentication",
        name,
        {**request, "challengeName": answer.get("challengeName")},
        {"publicChallengeParameters": None, "privateChallengeParameters": None, "challengeMetadata": None},
    )
    made = made or {}
    public = {str(name): str(value) for name, value in (made.get("publicChallengeParameters") or {}).items()}
    state = {
        "done": done,
        "private": made.get("privateChallengeParameters") or {},
        "metadata": made.get("challengeMetadata"),
        "name": name,
    }
    shown = nobodys_name(call, scene, name) if user is None else name
    return challenge(call, scene, "CUSTOM_CHALLENGE", user, {"USERNAME": shown, **public}, state)


async def custom_answer(
    call: Call, scene: Scene, session: str | None, given: Mapping[str, str], metadata: Mapping[str, str]
) -> Answer | User:
    """Have the answer to a challenge judged, and go on."""
    state = opened(call, scene, session, "CUSTOM_CHALLENGE")
    user = None
    if state["user"]:
        user = await use_up(scene.state, client_in(scene), state)
    else:
        await use_up_nobodys(scene.state, client_in(scene), state)
    name = state["name"] if user is None else user.name
    request = {
        "userAttributes": {} if user is None else attributes_for(user),
        "userNotFound": user is None,
        "privateChallengeParameters": state["private"],
        "challengeAnswer": given.get("ANSWER"),
        "clientMetadata": dict(metadata),
    }
    answer = await trigger(
        call,
        scene,
        "VerifyAuthChallengeResponse",
        "VerifyAuthChallengeResponse_Authentication",
        name,
        request,
        {"answerCorrect": False},
    )
    right = bool((answer or {}).get("answerCorrect"))
    done = [
        *state["done"],
        {"challengeName": "CUSTOM_CHALLENGE", "challengeResult": right, "challengeMetadata": state["metadata"]},
    ]
    return await custom(call, scene, user, name, done, metadata)
