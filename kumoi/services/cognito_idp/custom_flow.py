"""CUSTOM_AUTH: challenges that the pool's functions define, make and judge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kumoi.doorway import Call
from kumoi.services.cognito_idp.errors import invalid, not_authorized
from kumoi.services.cognito_idp.lookup import Scene
from kumoi.services.cognito_idp.records import User
from kumoi.services.cognito_idp.sessions import Answer, challenge, check_open, client_in, opened, use_up
from kumoi.services.cognito_idp.triggers import attributes_for, trigger


async def custom(
    call: Call, scene: Scene, user: User, done: list[dict[str, Any]], metadata: Mapping[str, str]
) -> Answer | User:
    """Let the pool's functions say what is asked next; the user, once it is enough."""
    await check_open(call, user)
    request = {
        "userAttributes": attributes_for(user),
        "session": done,
        "userNotFound": False,
        "clientMetadata": dict(metadata),
    }
    blank = {"challengeName": None, "issueTokens": None, "failAuthentication": None}
    answer = await trigger(
        call, scene, "DefineAuthChallenge", "DefineAuthChallenge_Authentication", user.name, request, blank
    )
    if answer is None:
        raise invalid("Custom auth lambda trigger is not configured for the user pool.")
    if answer.get("failAuthentication"):
        raise not_authorized()
    if answer.get("issueTokens"):
        return user
    made = await trigger(
        call,
        scene,
        "CreateAuthChallenge",
        "CreateAuthChallenge_Authentication",
        user.name,
        {**request, "challengeName": answer.get("challengeName")},
        {"publicChallengeParameters": None, "privateChallengeParameters": None, "challengeMetadata": None},
    )
    made = made or {}
    public = {str(name): str(value) for name, value in (made.get("publicChallengeParameters") or {}).items()}
    state = {
        "done": done,
        "private": made.get("privateChallengeParameters") or {},
        "metadata": made.get("challengeMetadata"),
    }
    return challenge(call, scene, "CUSTOM_CHALLENGE", user, {"USERNAME": user.name, **public}, state)


async def custom_answer(
    call: Call, scene: Scene, session: str | None, given: Mapping[str, str], metadata: Mapping[str, str]
) -> Answer | User:
    """Have the answer to a challenge judged, and go on."""
    state = opened(call, scene, session, "CUSTOM_CHALLENGE")
    user = await use_up(scene.state, client_in(scene), state)
    request = {
        "userAttributes": attributes_for(user),
        "privateChallengeParameters": state["private"],
        "challengeAnswer": given.get("ANSWER"),
        "clientMetadata": dict(metadata),
    }
    answer = await trigger(
        call,
        scene,
        "VerifyAuthChallengeResponse",
        "VerifyAuthChallengeResponse_Authentication",
        user.name,
        request,
        {"answerCorrect": False},
    )
    right = bool((answer or {}).get("answerCorrect"))
    done = [
        *state["done"],
        {"challengeName": "CUSTOM_CHALLENGE", "challengeResult": right, "challengeMetadata": state["metadata"]},
    ]
    return await custom(call, scene, user, done, metadata)
