"""SAML 2.0: what an identity provider says of somebody, and whether it was the provider that said it.

A response is XML in base64. Only what is signed counts: the assertion is taken out of what the signature covers, so
that nothing that was put beside it does. Signatures are checked by `signxml` (the extra `kumoi[saml]`), with the
certificates of the provider's metadata; `request.py` asks a provider to sign somebody in. Sources: "SAML 2.0 core",
"Bindings", "Profiles" and "Metadata".
"""

from kumoi.saml.metadata import SignOn, check_metadata, entity_of, sign_on
from kumoi.saml.request import redirected, request, sent
from kumoi.saml.response import Assertion, InvalidSaml, NotInstalled, decoded, for_aws, read, signed_part

__all__ = [
    "Assertion",
    "InvalidSaml",
    "NotInstalled",
    "SignOn",
    "check_metadata",
    "decoded",
    "entity_of",
    "for_aws",
    "read",
    "redirected",
    "request",
    "sent",
    "sign_on",
    "signed_part",
]
