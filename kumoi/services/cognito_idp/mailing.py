"""What messages to users say, and their way: into the mailbox of the machine, or by SES where the pool sends so.

Source: "Customizing user pool messages" and "Email settings for Amazon Cognito user pools" of the developer guide.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from kumoi import mailbox
from kumoi.doorway import Call, Principal
from kumoi.mailbox import Letter
from kumoi.names import Arn, uuid
from kumoi.services.cognito_idp.lookup import Scene
from kumoi.services.cognito_idp.records import User
from kumoi.wire.errors import AwsError, aws_error

SENDER = "no-reply@verificationemail.com"
"""Who Cognito's own mails are from."""
_INVITATION = "AdminCreateUser"
_DEFAULTS = {
    _INVITATION: ("Your temporary password", "Your username is {username} and temporary password is {####}."),
    "ForgotPassword": ("Your password reset code", "Your password reset code is {####}."),
    "Authentication": ("Your authentication code", "Your authentication code is {####}."),
    "": ("Your verification code", "Your verification code is {####}."),
}


class Message(NamedTuple):
    """What a user is told, by mail or by phone."""

    subject: str
    text: str


def message(definition: Mapping[str, Any], reason: str, custom: Mapping[str, Any], *, by_mail: bool) -> Message:
    """What a message says before its code stands in it: as a function made it, else the pool, else Cognito. Pure."""
    subject, text = _DEFAULTS.get(reason, _DEFAULTS[""])
    kind = "Email" if by_mail else "SMS"
    if reason == _INVITATION:
        stated = (definition.get("AdminCreateUserConfig") or {}).get("InviteMessageTemplate") or {}
        subject, text = stated.get("EmailSubject") or subject, stated.get(f"{kind}Message") or text
    elif reason != "Authentication":
        stated = definition.get("VerificationMessageTemplate") or {}
        older = definition.get("EmailVerificationMessage" if by_mail else "SmsVerificationMessage")
        subject = stated.get("EmailSubject") or definition.get("EmailVerificationSubject") or subject
        text = stated.get(f"{'Email' if by_mail else 'Sms'}Message") or older or text
    made = custom.get("emailMessage" if by_mail else "smsMessage")
    return Message(str(custom.get("emailSubject") or subject), str(made or text))


async def mail(call: Call, scene: Scene, user: User, reason: str, content: Mapping[str, str], custom: Any) -> None:
    """Have a message for a user go where it would: to their address, or else to their phone."""
    to = content.get("destination") or user.attributes.get("email") or user.attributes.get("phone_number", "")
    if not to:
        return
    by_mail = "@" in to
    secret = content.get("code") or content.get("password", "")
    told = message(scene.pool.definition, reason, custom or {}, by_mail=by_mail)
    text = told.text.replace("{####}", secret).replace("{username}", user.name)
    settings = scene.pool.definition.get("EmailConfiguration") or {}
    if by_mail and settings.get("SourceArn"):
        await _by_ses(call, scene, settings, to, told.subject, text)
        return
    letter = Letter(
        id=uuid(),
        time=call.now,
        service="cognito-idp",
        region=scene.region,
        protocol="email" if by_mail else "sms",
        sender=(settings.get("From") or SENDER) if by_mail else "",
        to=(to,),
        subject=told.subject if by_mail else None,
        text=text,
        cause=scene.pool.id,
    )
    await mailbox.keep(scene.state, letter)


async def _by_ses(call: Call, scene: Scene, settings: Mapping[str, Any], to: str, subject: str, text: str) -> None:
    """Send a mail by an identity of SES; CodeDeliveryFailureException where SES does not take it."""
    source = Arn.parse(settings["SourceArn"])
    identity = source.resource.removeprefix("identity/")
    sender = settings.get("From") or (identity if "@" in identity else f"no-reply@{identity}")
    params = {
        "Source": sender,
        "SourceArn": str(source),
        "Destination": {"ToAddresses": [to]},
        "Message": {"Subject": {"Data": subject}, "Body": {"Html": {"Data": text}}},
    }
    if settings.get("ReplyToEmailAddress"):
        params["ReplyToAddresses"] = [settings["ReplyToEmailAddress"]]
    if settings.get("ConfigurationSet"):
        params["ConfigurationSetName"] = settings["ConfigurationSet"]
    caller = Principal.of_service(
        scene.account,
        "email.cognito-idp.amazonaws.com",
        f"cognito-idp:{scene.pool.id}",
        f"arn:aws:cognito-idp:{scene.region}:{scene.account}:userpool/{scene.pool.id}",
    )
    try:
        await call.doorway.ask("ses", "SendEmail", params, caller, source.region)
    except AwsError as error:
        raise aws_error("CodeDeliveryFailureException", f"SES: {error.message}") from error
