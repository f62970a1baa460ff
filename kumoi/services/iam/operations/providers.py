"""Identity providers that roles may trust: OpenID Connect and SAML 2.0."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit
from xml.etree import ElementTree

import msgspec

from kumoi.doorway import Call
from kumoi.names import arn, unique_id
from kumoi.services.iam import iam
from kumoi.services.iam.operations.alike import Step, tagged
from kumoi.services.iam.records import OidcProvider, SamlProvider, oidc_providers, saml_providers
from kumoi.services.iam.rules import moment, quota_exceeded, read_tags, tag_list
from kumoi.state import State, Transaction, transactional
from kumoi.state.space import Space
from kumoi.wire.errors import aws_error

ProviderT = TypeVar("ProviderT", OidcProvider, SamlProvider)

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
    await _create(call.state, OIDC, provider, f"Provider with url https://{provider.url}")
    answer: dict[str, Any] = {"OpenIDConnectProviderArn": provider.arn}
    if provider.tags:
        answer["Tags"] = tag_list(provider.tags)
    return answer


@iam.operation(name="GetOpenIDConnectProvider")
async def get_oidc_provider(call: Call, OpenIDConnectProviderArn: str) -> dict[str, Any]:
    """An issuer, and which clients' tokens are taken."""
    provider = await OIDC.find(call.state, OpenIDConnectProviderArn)
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
    return {"OpenIDConnectProviderList": [{"Arn": one.arn} for one in await _all(call.state, OIDC)]}


@iam.operation(name="DeleteOpenIDConnectProvider")
async def delete_oidc_provider(call: Call, OpenIDConnectProviderArn: str) -> None:
    """Forget an issuer. One that is not there is no error, as at AWS."""
    await _delete(call.state, OIDC, OpenIDConnectProviderArn)


@iam.operation(name="AddClientIDToOpenIDConnectProvider")
async def add_client(call: Call, OpenIDConnectProviderArn: str, ClientID: str) -> None:
    """Take tokens for one more client."""

    async def step(_tx: Transaction, one: OidcProvider) -> OidcProvider:
        return msgspec.structs.replace(one, clients=_clients([*one.clients, ClientID]))

    await OIDC.change(call.state, OpenIDConnectProviderArn, step)


@iam.operation(name="RemoveClientIDFromOpenIDConnectProvider")
async def remove_client(call: Call, OpenIDConnectProviderArn: str, ClientID: str) -> None:
    """No longer take tokens for a client."""

    async def step(_tx: Transaction, one: OidcProvider) -> OidcProvider:
        return msgspec.structs.replace(one, clients=tuple(c for c in one.clients if c != ClientID))

    await OIDC.change(call.state, OpenIDConnectProviderArn, step)


@iam.operation(name="UpdateOpenIDConnectProviderThumbprint")
async def update_thumbprints(call: Call, OpenIDConnectProviderArn: str, ThumbprintList: list[str]) -> None:
    """Replace an issuer's thumbprints."""

    async def step(_tx: Transaction, one: OidcProvider) -> OidcProvider:
        return msgspec.structs.replace(one, thumbprints=_thumbprints(ThumbprintList))

    await OIDC.change(call.state, OpenIDConnectProviderArn, step)


@iam.operation(name="CreateSAMLProvider")
async def create_saml_provider(
    call: Call, SAMLMetadataDocument: str, Name: str, Tags: list[dict[str, str]] | None = None
) -> dict[str, Any]:
    """Register a SAML provider by its metadata, whose certificates AssumeRoleWithSAML checks assertions with."""
    provider = SamlProvider(
        arn=arn("iam", "", call.account, f"saml-provider/{Name}"),
        id=unique_id("ASAM"),
        metadata=await asyncio.to_thread(_metadata, SAMLMetadataDocument),
        created=call.now,
        tags=read_tags(Tags),
    )
    await _create(call.state, SAML, provider, f"SAMLProvider {Name}")
    answer: dict[str, Any] = {"SAMLProviderArn": provider.arn}
    if provider.tags:
        answer["Tags"] = tag_list(provider.tags)
    return answer


@iam.operation(name="GetSAMLProvider")
async def get_saml_provider(call: Call, SAMLProviderArn: str) -> dict[str, Any]:
    """A SAML provider and its metadata."""
    provider = await SAML.find(call.state, SAMLProviderArn)
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
            for one in await _all(call.state, SAML)
        ]
    }


@iam.operation(name="UpdateSAMLProvider")
async def update_saml_provider(
    call: Call, SAMLProviderArn: str, SAMLMetadataDocument: str | None = None
) -> dict[str, Any]:
    """Replace a SAML provider's metadata."""
    if SAMLMetadataDocument is not None:
        metadata = await asyncio.to_thread(_metadata, SAMLMetadataDocument)

        async def step(_tx: Transaction, one: SamlProvider) -> SamlProvider:
            return msgspec.structs.replace(one, metadata=metadata)

        await SAML.change(call.state, SAMLProviderArn, step)
    return {"SAMLProviderArn": (await SAML.find(call.state, SAMLProviderArn)).arn}


@iam.operation(name="DeleteSAMLProvider")
async def delete_saml_provider(call: Call, SAMLProviderArn: str) -> None:
    """Forget a SAML provider."""
    await SAML.find(call.state, SAMLProviderArn)
    await _delete(call.state, SAML, SAMLProviderArn)


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
    """The document, if it is the metadata of a SAML entity; documents that declare entities of XML are refused.

    It may have 10 MB: for a thread.
    """
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


class Kept(Generic[ProviderT]):
    """The providers of one kind; `what` is how errors call one that is missing."""

    def __init__(self, space: Space[ProviderT], what: str) -> None:
        self.space: Space[ProviderT] = space
        self.what = what

    async def find(self, place: State, provider_arn: str) -> ProviderT:
        """The provider of an ARN; NoSuchEntity otherwise."""
        return await _find(place, self, provider_arn)

    async def change(self, place: State, provider_arn: str, step: Step) -> None:
        """Store what `step` makes of a provider."""
        await _change(place, self, provider_arn, step)


OIDC = Kept(oidc_providers, "OpenIDConnect Provider")
SAML = Kept(saml_providers, "Manifest")


@transactional
async def _find(tx: Transaction, kept: Kept[ProviderT], provider_arn: str) -> ProviderT:
    provider: ProviderT | None = await kept.space.get(tx, provider_arn)
    if provider is None:
        raise aws_error("NoSuchEntity", f"{kept.what} not found for arn {provider_arn}", status=404)
    return provider


@transactional
async def _all(tx: Transaction, kept: Kept[ProviderT]) -> list[ProviderT]:
    found: list[ProviderT] = await kept.space.list(tx)
    return found


@transactional
async def _create(tx: Transaction, kept: Kept[ProviderT], provider: ProviderT, told: str) -> None:
    if await kept.space.get(tx, provider.arn) is not None:
        raise aws_error("EntityAlreadyExists", f"{told} already exists.", status=409)
    await kept.space.put(tx, provider)


@transactional
async def _change(tx: Transaction, kept: Kept[ProviderT], provider_arn: str, step: Step) -> None:
    await kept.space.put(tx, await step(tx, await _find(tx, kept, provider_arn)))


@transactional
async def _delete(tx: Transaction, kept: Kept[ProviderT], provider_arn: str) -> None:
    await kept.space.delete(tx, provider_arn)


tagged("OpenIDConnectProvider", "OpenIDConnectProviderArn", OIDC.find, OIDC.change)
tagged("SAMLProvider", "SAMLProviderArn", SAML.find, SAML.change)
