"""Which permissions Cognito's calls need: none where a client id or a token says who may, else on the pool.

Source: "Actions, resources, and condition keys for Amazon Cognito User Pools" of the service authorization reference.
"""

from __future__ import annotations

from kumoi.doorway import Authorization, Call
from kumoi.doorway.authorization import EVERYTHING, no_permission

PUBLIC = (
    *("ChangePassword", "ConfirmForgotPassword", "ConfirmSignUp", "DeleteUser", "DeleteUserAttributes"),
    *("ForgotPassword", "GetUser", "GetUserAttributeVerificationCode", "GlobalSignOut", "InitiateAuth"),
    *("ResendConfirmationCode", "RespondToAuthChallenge", "RevokeToken", "SignUp", "UpdateUserAttributes"),
    *("VerifyUserAttribute", "AssociateSoftwareToken", "VerifySoftwareToken", "SetUserMFAPreference"),
    "SetUserSettings",
)


def pool(call: Call) -> str:
    """The pool that a call names."""
    named = call.params.get("UserPoolId")
    if isinstance(named, str):
        return call.arn("cognito-idp", f"userpool/{named}")
    return str(call.params.get("ResourceArn") or EVERYTHING)


AUTHORIZATION = Authorization("cognito-idp", resource=pool, asks=dict.fromkeys(PUBLIC, no_permission))
