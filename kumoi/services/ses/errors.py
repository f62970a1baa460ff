"""SES's errors: the same refusal has one name in the query API (v1) and another in the REST API (v2)."""

from __future__ import annotations

from kumoi.doorway import Call
from kumoi.wire.errors import AwsError, aws_error

V2 = "sesv2"


def is_v2(call: Call) -> bool:
    """Whether a call came by the v2 API."""
    return call.service == V2


def invalid(call: Call, text: str) -> AwsError:
    """A value that cannot be."""
    return aws_error("BadRequestException" if is_v2(call) else "InvalidParameterValue", text)


def missing(call: Call, kind: str, text: str, **members: str) -> AwsError:
    """Something that is not there: `kind` is its name in v1's code (`ConfigurationSet`)."""
    if is_v2(call):
        return aws_error("NotFoundException", text)
    return AwsError(f"{kind}DoesNotExist", text, dict(members))


def taken(call: Call, kind: str, text: str, **members: str) -> AwsError:
    """Something that is there already."""
    if is_v2(call):
        return aws_error("AlreadyExistsException", text)
    return AwsError(f"{kind}AlreadyExists", text, dict(members))


def no_configuration_set(call: Call, name: str) -> AwsError:
    """There is no configuration set of that name."""
    text = f"Configuration set <{name}> does not exist."
    return missing(call, "ConfigurationSet", text, ConfigurationSetName=name)


def no_template(call: Call, name: str) -> AwsError:
    """There is no template of that name."""
    return missing(call, "Template", f"Template {name} does not exist", TemplateName=name)


def no_identity(name: str) -> AwsError:
    """There is no identity of that name (v2; v1 passes it over, or says so in its own words)."""
    return aws_error("NotFoundException", f"Email identity {name} does not exist.")


def limit_exceeded(call: Call, text: str) -> AwsError:
    """More than there may be."""
    return aws_error("LimitExceededException" if is_v2(call) else "LimitExceeded", text)


def not_verified(region: str, *addresses: str) -> AwsError:
    """Nobody has said that mails may come from here."""
    named = ", ".join(addresses)
    text = f"Email address is not verified. The following identities failed the check in region {region.upper()}: "
    return aws_error("MessageRejected", text + named)


def sending_paused(call: Call, name: str = "") -> AwsError:
    """Sending is paused, for the account or (with a name) a configuration set."""
    if not name:
        text = "Email sending is disabled for your account."
        return aws_error("SendingPausedException" if is_v2(call) else "AccountSendingPausedException", text)
    text = f"Email sending is disabled for the configuration set <{name}>."
    if is_v2(call):
        return aws_error("SendingPausedException", text)
    return aws_error("ConfigurationSetSendingPausedException", text, ConfigurationSetName=name)
