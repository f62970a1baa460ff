"""Identities are verified at once, and both APIs know the same."""

from __future__ import annotations

import json
from typing import Any


def test_addresses_and_domains(ses: Any, sesv2: Any, refused: Any) -> None:
    ses.verify_email_identity(EmailAddress="Ann@Example.COM")
    ses.get_waiter("identity_exists").wait(Identities=["Ann@example.com"])
    token = ses.verify_domain_identity(Domain="example.org")["VerificationToken"]
    told = ses.get_identity_verification_attributes(Identities=["Ann@example.com", "example.org", "no.example"])
    assert told["VerificationAttributes"] == {
        "Ann@example.com": {"VerificationStatus": "Success"},
        "example.org": {"VerificationStatus": "Success", "VerificationToken": token},
    }
    assert ses.list_identities(IdentityType="EmailAddress")["Identities"] == ["Ann@example.com"]
    assert ses.list_identities(IdentityType="Domain")["Identities"] == ["example.org", "shop.example"]
    assert sesv2.get_email_identity(EmailIdentity="example.org")["IdentityType"] == "DOMAIN"
    ses.delete_identity(Identity="example.org")
    code, text = refused(sesv2.get_email_identity, EmailIdentity="example.org")
    assert (code, text) == ("NotFoundException", "Email identity example.org does not exist.")


def test_dkim(ses: Any, sesv2: Any) -> None:
    assert ses.get_identity_dkim_attributes(Identities=["shop.example"])["DkimAttributes"] == {
        "shop.example": {"DkimEnabled": False, "DkimVerificationStatus": "NotStarted"}
    }
    tokens = ses.verify_domain_dkim(Domain="shop.example")["DkimTokens"]
    assert len(tokens) == 3
    assert ses.get_identity_dkim_attributes(Identities=["shop.example"])["DkimAttributes"] == {
        "shop.example": {"DkimEnabled": True, "DkimVerificationStatus": "Success", "DkimTokens": tokens}
    }
    ses.set_identity_dkim_enabled(Identity="shop.example", DkimEnabled=False)
    dkim = sesv2.get_email_identity(EmailIdentity="shop.example")["DkimAttributes"]
    assert (dkim["SigningEnabled"], dkim["Status"], dkim["Tokens"]) == (False, "SUCCESS", tokens)
    own = {"DomainSigningSelector": "own", "DomainSigningPrivateKey": "MIIE"}
    made = sesv2.create_email_identity(EmailIdentity="own.example", DkimSigningAttributes=own)["DkimAttributes"]
    assert (made["SigningAttributesOrigin"], made["Tokens"]) == ("EXTERNAL", ["own"])


def test_what_is_set_of_them(kumoi: Any, ses: Any, sesv2: Any, refused: Any) -> None:
    name = "shop.example"
    sesv2.put_email_identity_mail_from_attributes(
        EmailIdentity=name, MailFromDomain="bounce.shop.example", BehaviorOnMxFailure="REJECT_MESSAGE"
    )
    told = ses.get_identity_mail_from_domain_attributes(Identities=[name])["MailFromDomainAttributes"][name]
    assert told == {
        "MailFromDomain": "bounce.shop.example",
        "MailFromDomainStatus": "Success",
        "BehaviorOnMXFailure": "RejectMessage",
    }
    code, _ = refused(ses.set_identity_mail_from_domain, Identity=name, MailFromDomain="other.example")
    assert code == "InvalidParameterValue"
    sesv2.put_email_identity_feedback_attributes(EmailIdentity=name, EmailForwardingEnabled=False)
    told = ses.get_identity_notification_attributes(Identities=[name])["NotificationAttributes"][name]
    assert told["ForwardingEnabled"] is False
    arn = f"arn:aws:ses:us-east-1:{kumoi.account}:identity/{name}"
    sesv2.tag_resource(ResourceArn=arn, Tags=[{"Key": "team", "Value": "post"}])
    assert sesv2.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "post"}]
    assert sesv2.get_email_identity(EmailIdentity=name)["Tags"] == [{"Key": "team", "Value": "post"}]
    sesv2.untag_resource(ResourceArn=arn, TagKeys=["team"])
    assert sesv2.list_tags_for_resource(ResourceArn=arn)["Tags"] == []


def test_policies(kumoi: Any, ses: Any, sesv2: Any, refused: Any) -> None:
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*"}]})
    sesv2.create_email_identity_policy(EmailIdentity="shop.example", PolicyName="p", Policy=policy)
    assert ses.list_identity_policies(Identity="shop.example")["PolicyNames"] == ["p"]
    assert ses.get_identity_policies(Identity="shop.example", PolicyNames=["p", "q"])["Policies"] == {"p": policy}
    again = {"EmailIdentity": "shop.example", "PolicyName": "p", "Policy": policy}
    assert refused(sesv2.create_email_identity_policy, **again)[0] == "AlreadyExistsException"
    assert refused(ses.put_identity_policy, Identity="shop.example", PolicyName="x", Policy="{")[0] == "InvalidPolicy"
    arn = f"arn:aws:ses:us-east-1:{kumoi.account}:identity/shop.example"
    assert ses.list_identity_policies(Identity=arn)["PolicyNames"] == ["p"]
    ses.delete_identity_policy(Identity="shop.example", PolicyName="p")
    assert sesv2.get_email_identity_policies(EmailIdentity="shop.example")["Policies"] == {}
