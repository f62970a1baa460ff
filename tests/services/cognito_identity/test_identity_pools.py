"""Identity pools through boto3: guests, members of user pools, an application's own users, roles, tags, resets."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

PASSWORD = "Correct-horse-1"


class Site:
    """A user pool with a client, and an identity pool that takes its tokens."""

    def __init__(self, source: Any, **given: Any) -> None:
        self.source = source
        self.users = source.client("cognito-idp")
        self.admin = source.client("cognito-identity")
        self.public = source.client("cognito-identity", signature_version=UNSIGNED)
        self.user_pool = self.users.create_user_pool(PoolName="people")["UserPool"]["Id"]
        made = self.users.create_user_pool_client(
            UserPoolId=self.user_pool, ClientName="app", ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"]
        )
        self.app = made["UserPoolClient"]["ClientId"]
        self.provider = f"cognito-idp.us-east-1.amazonaws.com/{self.user_pool}"
        given.setdefault("AllowUnauthenticatedIdentities", True)
        providers = [{"ProviderName": self.provider, "ClientId": self.app}]
        self.pool = self.admin.create_identity_pool(
            IdentityPoolName="site", CognitoIdentityProviders=providers, **given
        )["IdentityPoolId"]

    def sign_in(self, name: str) -> dict[str, str]:
        """The logins of a user, who is made at the first time."""
        try:
            self.users.admin_create_user(UserPoolId=self.user_pool, Username=name, MessageAction="SUPPRESS")
            self.users.admin_set_user_password(
                UserPoolId=self.user_pool, Username=name, Password=PASSWORD, Permanent=True
            )
        except self.users.exceptions.UsernameExistsException:
            pass
        answer = self.users.initiate_auth(
            ClientId=self.app,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": name, "PASSWORD": PASSWORD},
        )
        return {self.provider: answer["AuthenticationResult"]["IdToken"]}

    def role(self, name: str, kind: str) -> str:
        """A role that identities of the pool may get: `authenticated` or `unauthenticated` ones."""
        own = "cognito-identity.amazonaws.com"
        condition = {
            "StringEquals": {f"{own}:aud": self.pool},
            "ForAnyValue:StringLike": {f"{own}:amr": kind},
        }
        statement = {
            "Effect": "Allow",
            "Principal": {"Federated": own},
            "Action": ["sts:AssumeRoleWithWebIdentity", "sts:TagSession"],
            "Condition": condition,
        }
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        made = self.source.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=document)
        arn: str = made["Role"]["Arn"]
        return arn

    def who(self, credentials: dict[str, Any]) -> str:
        """Whose some credentials are."""
        sts = boto3.client(
            "sts",
            endpoint_url=self.source.url,
            region_name="us-east-1",
            aws_access_key_id=credentials["AccessKeyId"],
            aws_secret_access_key=credentials["SecretKey"],
            aws_session_token=credentials["SessionToken"],
            config=Config(retries={"total_max_attempts": 1}),
        )
        arn: str = sts.get_caller_identity()["Arn"]
        return arn


@pytest.fixture
def make_site(kumoi: Any) -> Callable[..., Site]:
    return lambda **given: Site(kumoi, **given)


def claims(token: str) -> dict[str, Any]:
    body = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return found


def code(action: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(ClientError) as refused:
        action()
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


def test_guests_and_members_get_credentials_of_their_roles(make_site: Any) -> None:
    site = make_site()
    guest = site.public.get_id(IdentityPoolId=site.pool)["IdentityId"]
    assert code(lambda: site.public.get_credentials_for_identity(IdentityId=guest)) == (
        "InvalidIdentityPoolConfigurationException",
        "Invalid identity pool configuration. Check assigned IAM roles for this pool.",
    )
    roles = {
        "authenticated": site.role("member", "authenticated"),
        "unauthenticated": site.role("g", "unauthenticated"),
    }
    site.admin.set_identity_pool_roles(IdentityPoolId=site.pool, Roles=roles)
    assert site.admin.get_identity_pool_roles(IdentityPoolId=site.pool)["Roles"] == roles
    found = site.public.get_credentials_for_identity(IdentityId=guest)
    assert site.who(found["Credentials"]).endswith(":assumed-role/g/CognitoIdentityCredentials")
    ann = site.sign_in("ann")
    same = site.public.get_credentials_for_identity(IdentityId=guest, Logins=ann)
    assert same["IdentityId"] == guest
    assert site.who(same["Credentials"]).endswith(":assumed-role/member/CognitoIdentityCredentials")
    assert site.public.get_id(IdentityPoolId=site.pool, Logins=ann)["IdentityId"] == guest
    assert site.admin.describe_identity(IdentityId=guest)["Logins"] == [site.provider]
    assert code(lambda: site.public.get_credentials_for_identity(IdentityId=guest)) == (
        "NotAuthorizedException", f"Access to Identity '{guest}' is forbidden."
    )  # fmt: skip
    other = site.public.get_id(IdentityPoolId=site.pool)["IdentityId"]
    assert site.public.get_credentials_for_identity(IdentityId=other, Logins=ann)["IdentityId"] == guest
    assert code(lambda: site.admin.describe_identity(IdentityId=other))[0] == "ResourceNotFoundException"
    bob = site.sign_in("bob")
    assert code(lambda: site.public.get_credentials_for_identity(IdentityId=guest, Logins=bob))[0] == (
        "NotAuthorizedException"
    )


@pytest.mark.parametrize(
    ("token", "text"),
    [
        ("no token", "Invalid login token. the token is not of the form header.claims.signature"),
        ("a.b.c", "Invalid login token. the token cannot be decoded"),
    ],
)
def test_what_is_no_token_is_refused(make_site: Any, token: str, text: str) -> None:
    site = make_site()
    logins = {site.provider: token}
    assert code(lambda: site.public.get_id(IdentityPoolId=site.pool, Logins=logins)) == ("NotAuthorizedException", text)


@pytest.mark.kumoi_clock
def test_tokens_of_others_and_of_yesterday_are_refused(make_site: Any, kumoi: Any) -> None:
    site = make_site(AllowUnauthenticatedIdentities=False)
    logins = site.sign_in("ann")
    header, _, signature = logins[site.provider].split(".")
    forged = base64.urlsafe_b64encode(json.dumps({**claims(logins[site.provider]), "sub": "x"}).encode()).decode()
    changed = {site.provider: f"{header}.{forged.rstrip('=')}.{signature}"}

    def get(given: dict[str, str]) -> tuple[str, str]:
        return code(lambda: site.public.get_id(IdentityPoolId=site.pool, Logins=given))

    assert get(changed)[1].startswith("Invalid login token. the signature does not hold")
    assert get({"accounts.google.com": "x"})[1] == "Token is not from a supported provider of this identity pool."
    assert get({})[1] == "Unauthenticated access is not supported for this identity pool."
    assert code(lambda: site.public.get_id(IdentityPoolId="us-east-1:00000000-0000-4000-8000-000000000000"))[0] == (
        "ResourceNotFoundException"
    )
    kumoi.advance(7200)
    assert get(logins)[1].startswith("Invalid login token. Token expired: ")


def test_groups_choose_roles_and_claims_become_tags(make_site: Any) -> None:
    site = make_site(AllowClassicFlow=True)
    farmer = site.role("farmer", "authenticated")
    site.users.create_group(GroupName="farmers", UserPoolId=site.user_pool, RoleArn=farmer, Precedence=1)
    mapping = {"Type": "Token", "AmbiguousRoleResolution": "Deny"}
    site.admin.set_identity_pool_roles(
        IdentityPoolId=site.pool, Roles={}, RoleMappings={f"{site.provider}:{site.app}": mapping}
    )
    ann = site.sign_in("ann")
    identity = site.public.get_id(IdentityPoolId=site.pool, Logins=ann)["IdentityId"]
    assert code(lambda: site.public.get_credentials_for_identity(IdentityId=identity, Logins=ann))[0] == (
        "NotAuthorizedException"
    )
    site.users.admin_add_user_to_group(UserPoolId=site.user_pool, Username="ann", GroupName="farmers")
    ann = site.sign_in("ann")
    assert claims(ann[site.provider])["cognito:preferred_role"] == farmer
    found = site.public.get_credentials_for_identity(IdentityId=identity, Logins=ann)
    assert ":assumed-role/farmer/" in site.who(found["Credentials"])
    site.admin.set_principal_tag_attribute_map(
        IdentityPoolId=site.pool, IdentityProviderName=site.provider, PrincipalTags={"who": "cognito:username"}
    )
    token = site.public.get_open_id_token(IdentityId=identity, Logins=ann)["Token"]
    told = claims(token)
    assert (told["sub"], told["aud"], told["amr"]) == (identity, site.pool, ["authenticated", site.provider])
    assert told["https://aws.amazon.com/tags"] == {"principal_tags": {"who": ["ann"]}}
    sts = site.source.client("sts", signature_version=UNSIGNED)
    assumed = sts.assume_role_with_web_identity(RoleArn=farmer, RoleSessionName="ann", WebIdentityToken=token)
    assert (assumed["Provider"], assumed["Audience"]) == ("cognito-identity.amazonaws.com", site.pool)


def unsigned(**claims: Any) -> str:
    """A token that nobody signed: taken at its word where signatures do not count."""
    parts = ({"alg": "RS256", "kid": "k"}, {"exp": 4_000_000_000, **claims})
    return ".".join([*(base64.urlsafe_b64encode(json.dumps(one).encode()).decode().rstrip("=") for one in parts), "eA"])


def test_other_providers_are_taken_at_their_word_where_signatures_do_not_count(make_site: Any, kumoi: Any) -> None:
    own = f"arn:aws:iam::{kumoi.account}:oidc-provider/login.example/tenant"
    site = make_site(OpenIdConnectProviderARNs=[own], SupportedLoginProviders={"accounts.google.com": "app-1;app-2"})

    def get(provider: str, **claims: Any) -> str:
        found = site.public.get_id(IdentityPoolId=site.pool, Logins={provider: unsigned(**claims)})
        return str(found["IdentityId"])

    mine = {"iss": "https://login.example/tenant", "aud": "any", "sub": "ann"}
    assert get("login.example/tenant", **mine) == get("login.example/tenant", **mine)
    assert get("accounts.google.com", iss="accounts.google.com", aud="app-2", sub="7")
    for provider, claims in (
        ("login.example/tenant", {**mine, "iss": "https://other.example"}),
        ("login.example/tenant", {name: value for name, value in mine.items() if name != "sub"}),
        ("accounts.google.com", {"iss": "https://accounts.google.com", "aud": "app-3", "sub": "7"}),
    ):
        with pytest.raises(ClientError) as refused:
            get(provider, **claims)
        assert refused.value.response["Error"]["Code"] == "NotAuthorizedException"


def asserted(subject: str = "ann@example.com", minutes: int = 5, audience: str = "urn:amazon:webservices") -> str:
    """A response of a SAML provider that nobody signed, in base64."""
    until = (datetime.now(UTC) + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")
    text = (
        '<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"><Assertion '
        'xmlns="urn:oasis:names:tc:SAML:2.0:assertion"><Issuer>https://idp.example</Issuer><Subject>'
        f"<NameID>{subject}</NameID><SubjectConfirmation><SubjectConfirmationData "
        f'NotOnOrAfter="{until}"/></SubjectConfirmation></Subject><Conditions><AudienceRestriction>'
        f"<Audience>{audience}</Audience></AudienceRestriction></Conditions><AttributeStatement>"
        '<Attribute Name="team"><AttributeValue>red</AttributeValue></Attribute></AttributeStatement>'
        "</Assertion></samlp:Response>"
    )
    return base64.b64encode(text.encode()).decode()


def test_assertions_are_taken_at_their_word_where_signatures_do_not_count(make_site: Any, kumoi: Any) -> None:
    provider = f"arn:aws:iam::{kumoi.account}:saml-provider/office"
    site = make_site(SamlProviderARNs=[provider], AllowUnauthenticatedIdentities=False)
    site.admin.set_identity_pool_roles(
        IdentityPoolId=site.pool, Roles={"authenticated": site.role("member", "authenticated")}
    )

    def get(text: str, name: str = provider) -> str:
        return str(site.public.get_id(IdentityPoolId=site.pool, Logins={name: text})["IdentityId"])

    ann = get(asserted())
    assert get(asserted()) == ann != get(asserted("bob@example.com"))
    found = site.public.get_credentials_for_identity(IdentityId=ann, Logins={provider: asserted()})
    assert site.who(found["Credentials"]).endswith(":assumed-role/member/CognitoIdentityCredentials")
    for text, told in (
        ("!", "base64"),
        (asserted(""), "subject"),
        (asserted(minutes=-1), "another time"),
        (asserted(audience="https://wiki.example"), "audience"),
        (base64.b64encode(b"<!DOCTYPE x><x/>").decode(), "entities"),
    ):
        refused = code(lambda text=text: get(text))
        assert refused[0] == "NotAuthorizedException"
        assert told in refused[1]
    assert code(lambda: get(asserted(), f"{provider}2"))[0] == "NotAuthorizedException"


def test_the_classic_flow_has_to_be_allowed(make_site: Any) -> None:
    site = make_site()
    guest = site.public.get_id(IdentityPoolId=site.pool)["IdentityId"]
    assert code(lambda: site.public.get_open_id_token(IdentityId=guest)) == (
        "InvalidParameterException", "Basic (classic) flow is not enabled, please use enhanced flow."
    )  # fmt: skip


def test_a_back_end_vouches_for_its_own_users(make_site: Any) -> None:
    site = make_site(DeveloperProviderName="login.farm", AllowUnauthenticatedIdentities=False)
    site.admin.set_identity_pool_roles(
        IdentityPoolId=site.pool, Roles={"authenticated": site.role("own", "authenticated")}
    )

    def vouch(user: str) -> dict[str, Any]:
        answer: dict[str, Any] = site.admin.get_open_id_token_for_developer_identity(
            IdentityPoolId=site.pool, Logins={"login.farm": user}
        )
        return answer

    ann, bob = vouch("ann"), vouch("bob")
    assert vouch("ann")["IdentityId"] == ann["IdentityId"] != bob["IdentityId"]
    own = {"cognito-identity.amazonaws.com": ann["Token"]}
    found = site.public.get_credentials_for_identity(IdentityId=ann["IdentityId"], Logins=own)
    assert ":assumed-role/own/" in site.who(found["Credentials"])
    assert code(lambda: site.public.get_credentials_for_identity(IdentityId=bob["IdentityId"], Logins=own))[1] == (
        "Invalid login token. The token is of another identity."
    )
    site.admin.merge_developer_identities(
        SourceUserIdentifier="bob",
        DestinationUserIdentifier="ann",
        DeveloperProviderName="login.farm",
        IdentityPoolId=site.pool,
    )
    listed = site.admin.lookup_developer_identity(IdentityPoolId=site.pool, IdentityId=ann["IdentityId"])
    assert listed["DeveloperUserIdentifierList"] == ["ann", "bob"]
    site.admin.unlink_developer_identity(
        IdentityId=ann["IdentityId"],
        IdentityPoolId=site.pool,
        DeveloperProviderName="login.farm",
        DeveloperUserIdentifier="bob",
    )
    assert vouch("bob")["IdentityId"] not in (ann["IdentityId"], bob["IdentityId"])


def test_pools_are_kept_listed_tagged_and_deleted(make_site: Any) -> None:
    site = make_site(IdentityPoolTags={"team": "farm"})
    arn = f"arn:aws:cognito-identity:us-east-1:{site.source.account}:identitypool/{site.pool}"
    site.admin.tag_resource(ResourceArn=arn, Tags={"stage": "test"})
    site.admin.untag_resource(ResourceArn=arn, TagKeys=["team"])
    assert site.admin.list_tags_for_resource(ResourceArn=arn)["Tags"] == {"stage": "test"}
    site.admin.update_identity_pool(
        IdentityPoolId=site.pool, IdentityPoolName="other", AllowUnauthenticatedIdentities=True
    )
    described = site.admin.describe_identity_pool(IdentityPoolId=site.pool)
    assert (described["IdentityPoolName"], described.get("CognitoIdentityProviders")) == ("other", None)
    guests = {site.public.get_id(IdentityPoolId=site.pool)["IdentityId"] for _ in range(3)}
    first = site.admin.list_identities(IdentityPoolId=site.pool, MaxResults=2)
    rest = site.admin.list_identities(IdentityPoolId=site.pool, MaxResults=2, NextToken=first["NextToken"])
    assert {one["IdentityId"] for one in (*first["Identities"], *rest["Identities"])} == guests
    site.admin.delete_identities(IdentityIdsToDelete=[*guests])
    assert site.admin.list_identities(IdentityPoolId=site.pool, MaxResults=2)["Identities"] == []
    assert [one["IdentityPoolName"] for one in site.admin.list_identity_pools(MaxResults=9)["IdentityPools"]] == [
        "other"
    ]
    site.admin.delete_identity_pool(IdentityPoolId=site.pool)
    assert code(lambda: site.public.get_id(IdentityPoolId=site.pool)) == (
        "ResourceNotFoundException", f"IdentityPool '{site.pool}' not found."
    )  # fmt: skip
