"""Which permissions Cognito's calls need: none where a client id or a token says who may, else on the pool.

Source: "Actions, resources, and condition keys for Amazon Cognito User Pools" of the service authorization reference.
"""

from __future__ import annotations

from collections.abc import Iterator

from kumoi.doorway import Ask, Authorization, Call
from kumoi.doorway.authorization import EVERYTHING, no_permission, pass_role

PUBLIC = (
    *("ChangePassword", "ConfirmForgotPassword", "ConfirmSignUp", "DeleteUser", "DeleteUserAttributes"),
    *("ForgotPassword", "GetUser", "GetUserAttributeVerificationCode", "GlobalSignOut", "InitiateAuth"),
    *("ResendConfirmationCode", "RespondToAuthChallenge", "RevokeToken", "SignUp", "UpdateUserAttributes"),
    *("VerifyUserAttribute", "AssociateSoftwareToken", "VerifySoftwareToken", "SetUserMFAPreference"),
    *("SetUserSettings", "ConfirmDevice", "ForgetDevice", "GetDevice", "ListDevices", "UpdateDeviceStatus"),
    *("GetUserAuthFactors", "GetTokensFromRefreshToken", "StartWebAuthnRegistration", "CompleteWebAuthnRegistration"),
    *("ListWebAuthnCredentials", "DeleteWebAuthnCredential"),
)


def pool(call: Call) -> str:
    """The pool that a call names."""
    named = call.params.get("UserPoolId")
    if isinstance(named, str):
        return call.arn("cognito-idp", f"userpool/{named}")
    return str(call.params.get("ResourceArn") or EVERYTHING)


def with_role(call: Call) -> Iterator[Ask]:
    """The pool, and the role it sends text messages in."""
    yield from AUTHORIZATION.usual(call)
    texting = call.params.get("SmsConfiguration")
    if isinstance(texting, dict):
        yield from pass_role(call, texting.get("SnsCallerArn"), "cognito-idp.amazonaws.com")


_TEXTING = ("CreateUserPool", "UpdateUserPool", "SetUserPoolMfaConfig")

AUTHORIZATION = Authorization(
    "cognito-idp", resource=pool, asks={**dict.fromkeys(PUBLIC, no_permission), **dict.fromkeys(_TEXTING, with_role)}
)
