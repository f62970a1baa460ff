"""The pool's functions: asked at their moments, their answers taken.

A function has five seconds and three tries; what it raises is told to the client as UserLambdaValidationException.
Source: "Customizing user pool workflows with Lambda triggers" of the developer guide.
"""

from __future__ import annotations

from typing import Any

import orjson

from kumoi.doorway import Call, Principal
from kumoi.names import Arn
from kumoi.services.cognito_idp.identity_providers import identities_text
from kumoi.services.cognito_idp.lookup import Scene
from kumoi.services.cognito_idp.records import User
from kumoi.wire.errors import AwsError, aws_error


async def trigger(
    call: Call,
    scene: Scene,
    name: str,
    source: str,
    username: str,
    request: dict[str, Any],
    response: dict[str, Any],
    *,
    version: str = "1",
) -> dict[str, Any] | None:
    """Ask the pool's function for a moment (`PreSignUp`); its `response`, or None where the pool has none."""
    config = scene.pool.definition.get("LambdaConfig") or {}
    function = config.get(name)
    if not function:
        return None
    event = {
        "version": version,
        "triggerSource": source,
        "region": scene.region,
        "userPoolId": scene.pool.id,
        "userName": username,
        "callerContext": {
            "awsSdkVersion": "aws-sdk-unknown-unknown",
            "clientId": scene.client.id if scene.client else "",
        },
        "request": request,
        "response": response,
    }
    pool_arn = f"arn:aws:cognito-idp:{scene.region}:{scene.account}:userpool/{scene.pool.id}"
    caller = Principal.of_service(scene.account, "cognito-idp.amazonaws.com", f"cognito-idp:{scene.pool.id}", pool_arn)
    params = {"FunctionName": function, "Payload": orjson.dumps(event)}
    try:
        answer = await call.doorway.ask("lambda", "Invoke", params, caller, Arn.parse(function).region or scene.region)
    except AwsError as error:
        raise aws_error("UnexpectedLambdaException", f"{name} invocation failed due to error {error.code}.") from None
    try:
        content = orjson.loads(answer["Payload"] or b"null")
    except orjson.JSONDecodeError:
        content = None
    if "FunctionError" in answer:
        message = content.get("errorMessage", "") if isinstance(content, dict) else ""
        raise aws_error("UserLambdaValidationException", f"{name} failed with error {message}.")
    if not isinstance(content, dict) or not isinstance(content.get("response"), dict):
        raise aws_error("InvalidLambdaResponseException", "Unrecognizable lambda output")
    found: dict[str, Any] = content["response"]
    return found


def attributes_for(user: User) -> dict[str, str]:
    """A user's attributes as triggers see them."""
    shown = {name: value for name, value in user.attributes.items() if not name.startswith("dev:")}
    identities = identities_text(user.identities)
    return {"sub": user.sub, "cognito:user_status": user.status, **shown, **identities}
