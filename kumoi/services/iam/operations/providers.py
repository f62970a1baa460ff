"""Identity providers that roles may trust: OpenID Connect and SAML 2.0."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

import msgspec

from kumoi.doorway import Call
from kumoi.names import arn, unique_id
from kumoi.services.iam import iam
from kumoi.services.iam.records import OidcProvider, SamlProvider, oidc_providers, saml_providers
from kumoi.services.iam.rules import merged_tags, moment, quota_exceeded, read_tags, tag_list, tag_page
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError, aws_error

MAX_CLIENTS = 100
MAX_THUMBPRINTS = 5
_THUMBPRINT = re.compile(r"[0-9a-fA-F]{40}")
_METADATA = "{urn:oasis:names:tc:SAML:2.0:metadata}EntityDescriptor"
_YEARS = timedelta(days=365 * 100)
"""How long a SAML provider stays valid: until the certificates of its metadata say otherwise, AWS answers 100 years."""


@iam.operation(name="CreateOpenIDConnectProvider")
async def create_oidc_provider(
    call: Call,
    Url: str,
    ClientIDList: list[str] | None = None,
    ThumbprintList: list[str] | None = None,
    Tags: list[dict[str, str]] | None = None,
) -> dict[str, Any]:
    """Register an issuer of tokens. Its certificate is not looked at: thumbprints are kept as given."""
    where = urlsplit(Url)
    local = where.scheme == "http" and where.hostname in ("127.0.0.1", "localhost")
    if (where.scheme != "https" and not local) or not where.netloc or where.query:
        raise aws_error("ValidationError", "Invalid Open ID Connect Provider URL")
    url = (where.netloc + where.path).rstrip("/")
    provider = OidcProvider(
        arn=arn("iam", "", call.account, f"oidc-provider/{url}"),
        url=url,
        clients=_clients(ClientIDList or []),
        thumbprints=_thumbprints(ThumbprintList or []),
        created=call.now,
        tags=read_tags(Tags),
    )
    await _create_oidc(call.state, provider)
    answer: dict[str, Any] = {"OpenIDConnectProviderArn": provider.arn}
    if provider.tags:
        answer["Tags"] = tag_list(provider.tags)
    return answer


@iam.operation(name="GetOpenIDConnectProvider")
async def get_oidc_provider(call: Call, OpenIDConnectProviderArn: str) -> dict[str, Any]:
    """An issuer, and which clients' tokens are taken."""
    provider = await _find_oidc(call.state, OpenIDConnectProviderArn)
    return {
        "Url": provider.url,
        "ClientIDList": list(provider.clients),
        "ThumbprintList": list(provider.thumbprints),
        "CreateDate": moment(provider.created),
        "Tags": tag_list(provider.tags),
    }


@iam.operation(name="ListOpenIDConnectProviders")
async def list_oidc_providers(call: Call) -> dict[str, Any]:
    """The ARNs of the account's issuers."""
    return {"OpenIDConnectProviderList": [{"Arn": one.arn} for one in await _all_oidc(call.state)]}


@iam.operation(name="DeleteOpenIDConnectProvider")
async def delete_oidc_provider(call: Call, OpenIDConnectProviderArn: str) -> None:
    """Forget an issuer. One that is not there is no error, as at AWS."""
    await _delete_oidc(call.state, OpenIDConnectProviderArn)


@iam.operation(name="AddClientIDToOpenIDConnectProvider")
async def add_client(call: Call, OpenIDConnectProviderArn: str, ClientID: str) -> None:
    """Take tokens for one more client."""
    await _change_oidc(
        call.state,
        OpenIDConnectProviderArn,
        lambda one: msgspec.structs.replace(one, clients=_clients([*one.clients, ClientID])),
    )


@iam.operation(name="RemoveClientIDFromOpenIDConnectProvider")
async def remove_client(call: Call, OpenIDConnectProviderArn: str, ClientID: str) -> None:
    """No longer take tokens for a client."""
    await _change_oidc(
        call.state,
        OpenIDConnectProviderArn,
        lambda one: msgspec.structs.replace(one, clients=tuple(c for c in one.clients if c != ClientID)),
    )


@iam.operation(name="UpdateOpenIDConnectProviderThumbprint")
async def update_thumbprints(call: Call, OpenIDConnectProviderArn: str, ThumbprintList: list[str]) -> None:
    """Replace an issuer's thumbprints."""
    await _change_oidc(
        call.state,
        OpenIDConnectProviderArn,
        lambda one: msgspec.structs.replace(one, thumbprints=_thumbprints(ThumbprintList)),
    )


@iam.operation(name="TagOpenIDConnectProvider")
async def tag_oidc_provider(call: Call, OpenIDConnectProviderArn: str, Tags: list[dict[str, str]]) -> None:
    """Add tags."""
    await _change_oidc(
        call.state,
        OpenIDConnectProviderArn,
        lambda one: msgspec.structs.replace(one, tags=merged_tags(one.tags, Tags)),
    )


@iam.operation(name="UntagOpenIDConnectProvider")
async def untag_oidc_provider(call: Call, OpenIDConnectProviderArn: str, TagKeys: list[str]) -> None:
    """Remove tags."""
    await _change_oidc(
        call.state,
        OpenIDConnectProviderArn,
        lambda one: msgspec.structs.replace(one, tags={k: v for k, v in one.tags.items() if k not in TagKeys}),
    )


@iam.operation(name="ListOpenIDConnectProviderTags")
async def list_oidc_provider_tags(
    call: Call, OpenIDConnectProviderArn: str, Marker: str | None = None, MaxItems: int | None = None
) -> dict[str, Any]:
    """An issuer's tags."""
    return tag_page((await _find_oidc(call.state, OpenIDConnectProviderArn)).tags, Marker, MaxItems)


@iam.operation(name="CreateSAMLProvider")
async def create_saml_provider(
    call: Call, SAMLMetadataDocument: str, Name: str, Tags: list[dict[str, str]] | None = None
) -> dict[str, Any]:
    """Register a SAML provider by its metadata. Its assertions are not verified (see AssumeRoleWithSAML)."""
    provider = SamlProvider(
        arn=arn("iam", "", call.account, f"saml-provider/{Name}"),
        id=unique_id("ASAM"),
        metadata=_metadata(SAMLMetadataDocument),
        created=call.now,
        tags=read_tags(Tags),
    )
    await _create_saml(call.state, provider)
    answer: dict[str, Any] = {"SAMLProviderArn": provider.arn}
    if provider.tags:
        answer["Tags"] = tag_list(provider.tags)
    return answer


@iam.operation(name="GetSAMLProvider")
async def get_saml_provider(call: Call, SAMLProviderArn: str) -> dict[str, Any]:
    """A SAML provider and its metadata."""
    provider = await _find_saml(call.state, SAMLProviderArn)
    return {
        "SAMLProviderUUID": provider.id,
        "SAMLMetadataDocument": provider.metadata,
        "CreateDate": moment(provider.created),
        "ValidUntil": moment(provider.created) + _YEARS,
        "Tags": tag_list(provider.tags),
    }


@iam.operation(name="ListSAMLProviders")
async def list_saml_providers(call: Call) -> dict[str, Any]:
    """The account's SAML providers."""
    return {
        "SAMLProviderList": [
            {"Arn": one.arn, "CreateDate": moment(one.created), "ValidUntil": moment(one.created) + _YEARS}
            for one in await _all_saml(call.state)
        ]
    }


@iam.operation(name="UpdateSAMLProvider")
async def update_saml_provider(
    call: Call, SAMLProviderArn: str, SAMLMetadataDocument: str | None = None
) -> dict[str, Any]:
    """Replace a SAML provider's metadata."""
    if SAMLMetadataDocument is not None:
        metadata = _metadata(SAMLMetadataDocument)
        await _change_saml(call.state, SAMLProviderArn, lambda one: msgspec.structs.replace(one, metadata=metadata))
    return {"SAMLProviderArn": (await _find_saml(call.state, SAMLProviderArn)).arn}


@iam.operation(name="DeleteSAMLProvider")
async def delete_saml_provider(call: Call, SAMLProviderArn: str) -> None:
    """Forget a SAML provider."""
    await _delete_saml(call.state, SAMLProviderArn)


@iam.operation(name="TagSAMLProvider")
async def tag_saml_provider(call: Call, SAMLProviderArn: str, Tags: list[dict[str, str]]) -> None:
    """Add tags."""
    await _change_saml(
        call.state, SAMLProviderArn, lambda one: msgspec.structs.replace(one, tags=merged_tags(one.tags, Tags))
    )


@iam.operation(name="UntagSAMLProvider")
async def untag_saml_provider(call: Call, SAMLProviderArn: str, TagKeys: list[str]) -> None:
    """Remove tags."""
    await _change_saml(
        call.state,
        SAMLProviderArn,
        lambda one: msgspec.structs.replace(one, tags={k: v for k, v in one.tags.items() if k not in TagKeys}),
    )


@iam.operation(name="ListSAMLProviderTags")
async def list_saml_provider_tags(
    call: Call, SAMLProviderArn: str, Marker: str | None = None, MaxItems: int | None = None
) -> dict[str, Any]:
    """A SAML provider's tags."""
    return tag_page((await _find_saml(call.state, SAMLProviderArn)).tags, Marker, MaxItems)


def _clients(given: list[str]) -> tuple[str, ...]:
    clients = tuple(dict.fromkeys(given))
    if len(clients) > MAX_CLIENTS:
        raise quota_exceeded("ClientIdsPerOpenIdConnectProvider", MAX_CLIENTS)
    return clients


def _thumbprints(given: list[str]) -> tuple[str, ...]:
    if len(given) > MAX_THUMBPRINTS:
        raise aws_error("InvalidInput", "Thumbprint list must contain fewer than 5 entries.")
    for one in given:
        if not _THUMBPRINT.fullmatch(one):
            raise aws_error("InvalidInput", "Thumbprint must be a hexadecimal string of 40 characters.")
    return tuple(one.lower() for one in given)


def _metadata(document: str) -> str:
    """The document, if it is the metadata of a SAML entity; documents that declare entities of XML are refused."""
    problem = aws_error("InvalidInput", "Could not parse metadata")
    if "<!DOCTYPE" in document or "<!ENTITY" in document:
        raise problem
    try:
        root = ElementTree.fromstring(document)  # noqa: S314  (declarations of entities were refused above)
    except ElementTree.ParseError:
        raise problem from None
    if root.tag != _METADATA:
        raise problem
    return document


def _missing(kind: str, provider_arn: str) -> AwsError:
    return aws_error("NoSuchEntity", f"{kind} not found for arn {provider_arn}", status=404)


@transactional
async def _create_oidc(tx: Transaction, provider: OidcProvider) -> None:
    if await oidc_providers.get(tx, provider.arn) is not None:
        raise aws_error("EntityAlreadyExists", f"Provider with url https://{provider.url} already exists.", status=409)
    await oidc_providers.put(tx, provider)


@transactional
async def _find_oidc(tx: Transaction, provider_arn: str) -> OidcProvider:
    provider = await oidc_providers.get(tx, provider_arn)
    if provider is None:
        raise _missing("OpenIDConnect Provider", provider_arn)
    return provider


@transactional
async def _all_oidc(tx: Transaction) -> list[OidcProvider]:
    return await oidc_providers.list(tx)


@transactional
async def _change_oidc(tx: Transaction, provider_arn: str, change: Callable[[OidcProvider], OidcProvider]) -> None:
    await oidc_providers.put(tx, change(await _find_oidc(tx, provider_arn)))


@transactional
async def _delete_oidc(tx: Transaction, provider_arn: str) -> None:
    await oidc_providers.delete(tx, provider_arn)


@transactional
async def _create_saml(tx: Transaction, provider: SamlProvider) -> None:
    if await saml_providers.get(tx, provider.arn) is not None:
        name = provider.arn.rpartition("/")[2]
        raise aws_error("EntityAlreadyExists", f"SAMLProvider {name} already exists.", status=409)
    await saml_providers.put(tx, provider)


@transactional
async def _find_saml(tx: Transaction, provider_arn: str) -> SamlProvider:
    provider = await saml_providers.get(tx, provider_arn)
    if provider is None:
        raise _missing("Manifest", provider_arn)
    return provider


@transactional
async def _all_saml(tx: Transaction) -> list[SamlProvider]:
    return await saml_providers.list(tx)


@transactional
async def _change_saml(tx: Transaction, provider_arn: str, change: Callable[[SamlProvider], SamlProvider]) -> None:
    await saml_providers.put(tx, change(await _find_saml(tx, provider_arn)))


@transactional
async def _delete_saml(tx: Transaction, provider_arn: str) -> None:
    await _find_saml(tx, provider_arn)
    await saml_providers.delete(tx, provider_arn)
