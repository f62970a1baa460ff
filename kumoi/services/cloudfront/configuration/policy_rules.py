"""What CloudFront refuses of policies, access controls and keys; pure.

Source: the errors of their Create operations in the API reference, and "Quotas" of the guide.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from kumoi.services.cloudfront.configuration.reading import items
from kumoi.services.cloudfront.errors import invalid

MAX_NAMES = 10
MAX_NAMES_LENGTH = 1024
_NAME = re.compile(r"[A-Za-z0-9_-]{1,128}")
_NO_POLICY_HEADERS = frozenset(
    (
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "via",
    )
)
_PEM = re.compile(r"-----BEGIN PUBLIC KEY-----[A-Za-z0-9+/=\s]+-----END PUBLIC KEY-----\s*")


def full_cache_policy(config: Mapping[str, Any]) -> dict[str, Any]:
    """A cache policy with the defaults of what a client leaves out."""
    least = config["MinTTL"]
    default = config.get("DefaultTTL", max(86_400, least))
    return {
        "Comment": "",
        "DefaultTTL": default,
        "MaxTTL": config.get("MaxTTL", max(31_536_000, default)),
        "ParametersInCacheKeyAndForwardedToOrigin": {
            "EnableAcceptEncodingGzip": False,
            "EnableAcceptEncodingBrotli": False,
            "HeadersConfig": {"HeaderBehavior": "none"},
            "CookiesConfig": {"CookieBehavior": "none"},
            "QueryStringsConfig": {"QueryStringBehavior": "none"},
        },
        **config,
    }


DEFAULTS: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {"CachePolicy": full_cache_policy}


def check_cache_policy(config: Mapping[str, Any]) -> None:
    """Raise for what a cache policy may not say."""
    _check_name(config)
    if not 0 <= config["MinTTL"] <= config["DefaultTTL"] <= config["MaxTTL"]:
        raise invalid("The parameter MinTTL must be less than or equal to DefaultTTL, and DefaultTTL to MaxTTL.")
    parameters = config["ParametersInCacheKeyAndForwardedToOrigin"]
    chosen = _check_chosen(parameters, "CachePolicy")
    if config["MaxTTL"] == 0:
        if parameters["EnableAcceptEncodingGzip"] or parameters.get("EnableAcceptEncodingBrotli"):
            raise invalid(
                "The parameter EnableAcceptEncodingGzip is invalid for policy with caching disabled."
                if parameters["EnableAcceptEncodingGzip"]
                else "The parameter EnableAcceptEncodingBrotli is invalid for policy with caching disabled."
            )
        for member, behaviour in chosen.items():
            if behaviour != "none":
                raise invalid(f"The parameter {member} is invalid for policy with caching disabled.")


def check_origin_request_policy(config: Mapping[str, Any]) -> None:
    """Raise for what an origin request policy may not say."""
    _check_name(config)
    _check_chosen(config, "OriginRequestPolicy")


def _check_chosen(parameters: Mapping[str, Any], kind: str) -> dict[str, str]:
    """The behaviour of headers, cookies and query strings; raises where names are missing, needless or too many."""
    chosen: dict[str, str] = {}
    for part, member, list_name, code in (
        ("HeadersConfig", "HeaderBehavior", "Headers", "TooManyHeadersIn"),
        ("CookiesConfig", "CookieBehavior", "Cookies", "TooManyCookiesIn"),
        ("QueryStringsConfig", "QueryStringBehavior", "QueryStrings", "TooManyQueryStringsIn"),
    ):
        section = parameters[part]
        behaviour = section[member]
        names = items(section.get(list_name))
        needs_names = behaviour in ("whitelist", "allExcept", "allViewerAndWhitelistCloudFront")
        if needs_names != bool(names):
            raise invalid(
                f"The parameter {list_name} must be given where {member} is whitelist or allExcept, and only there."
            )
        allowed = 30 if behaviour == "allViewerAndWhitelistCloudFront" else MAX_NAMES
        if len(names) > allowed:
            raise invalid(f"The number of {list_name.lower()} in the policy exceeds the maximum.", f"{code}{kind}")
        if sum(map(len, names)) > MAX_NAMES_LENGTH:
            raise invalid(f"The total length of the parameter {list_name} is too large.")
        if list_name == "Headers":
            for name in names:
                if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name) or name.lower() in _NO_POLICY_HEADERS:
                    raise invalid(f"The parameter Headers contains {name} that is not allowed.")
        chosen[member] = behaviour
    return chosen


def check_response_headers_policy(config: Mapping[str, Any]) -> None:
    """Raise for what a response headers policy may not say."""
    _check_name(config)
    custom = items(config.get("CustomHeadersConfig"))
    if len(custom) > MAX_NAMES:
        raise invalid(
            "The number of custom headers in the response headers policy exceeds the maximum.",
            "TooManyCustomHeadersInResponseHeadersPolicy",
        )
    if len(items(config.get("RemoveHeadersConfig"))) > MAX_NAMES:
        raise invalid(
            "The number of headers in RemoveHeadersConfig in the response headers policy exceeds the maximum.",
            "TooManyRemoveHeadersInResponseHeadersPolicy",
        )
    for one in custom:
        if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", one["Header"]) or re.search(r"[\r\n]", one["Value"]):
            raise invalid(f"The parameter CustomHeaders contains {one['Header']} that is no valid header.")
    cors = config.get("CorsConfig")
    if cors and cors["AccessControlAllowCredentials"]:
        for member in ("AccessControlAllowOrigins", "AccessControlAllowHeaders", "AccessControlAllowMethods"):
            if items(cors[member]) in (["*"], ["ALL"]):
                raise invalid(f"The parameter {member} cannot be * where AccessControlAllowCredentials is true.")
    timing = config.get("ServerTimingHeadersConfig")
    if timing and timing["Enabled"] and not 0 <= float(timing.get("SamplingRate") or 0) <= 100:
        raise invalid("The parameter SamplingRate must be from 0 to 100.")


def check_access_control(config: Mapping[str, Any]) -> None:
    """Raise for what an origin access control may not say."""
    if not 1 <= len(config["Name"]) <= 64:
        raise invalid("The parameter Name must have from 1 to 64 characters.")


def check_access_identity(config: Mapping[str, Any]) -> None:
    """Raise for what an origin access identity may not say."""
    if len(config["Comment"]) > 128:
        raise invalid("The parameter Comment is too long.")


def check_public_key(config: Mapping[str, Any]) -> None:
    """Raise for what is no public key of RSA with 2048 bits or of ECDSA with P-256."""
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    _check_name(config)
    text = config["EncodedKey"]
    wrong = invalid("Your request contains empty/invalid/out of limits RSA Encoded Key")
    if len(text) > 10_000 or not _PEM.fullmatch(text.strip() + "\n"):
        raise wrong
    try:
        key = load_pem_public_key(text.strip().encode())
    except ValueError:
        raise wrong from None
    if not (isinstance(key, rsa.RSAPublicKey) and key.key_size == 2048) and not (
        isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name == "secp256r1"
    ):
        raise wrong


def check_key_group(config: Mapping[str, Any]) -> None:
    """Raise for what a key group may not say; whether its keys exist is looked up elsewhere."""
    _check_name(config)
    if not config["Items"] or len(set(config["Items"])) != len(config["Items"]):
        raise invalid("The parameter Items must name at least one public key, and none twice.")
    if len(config["Items"]) > 5:
        raise invalid(
            "The number of public keys in this key group is more than the maximum.", "TooManyPublicKeysInKeyGroup"
        )


def check_deployment_policy(config: Mapping[str, Any]) -> None:
    """Raise for what a continuous deployment policy may not say."""
    if len(items(config["StagingDistributionDnsNames"])) != 1:
        raise invalid("The parameter StagingDistributionDnsNames must name one staging distribution.")
    traffic = config.get("TrafficConfig")
    if traffic is None:
        return
    if traffic["Type"] == "SingleWeight":
        weight = traffic.get("SingleWeightConfig") or {}
        if not 0 <= weight.get("Weight", -1) <= 0.15:
            raise invalid("The parameter Weight must be from 0 to 0.15.")
        sticky = weight.get("SessionStickinessConfig")
        if sticky and not 300 <= sticky["IdleTTL"] <= sticky["MaximumTTL"] <= 3600:
            raise invalid("The parameters IdleTTL and MaximumTTL must be from 300 to 3600, IdleTTL the smaller.")
    elif not str((traffic.get("SingleHeaderConfig") or {}).get("Header", "")).startswith("aws-cf-cd-"):
        raise invalid("The parameter Header must begin with aws-cf-cd-.")


def _check_name(config: Mapping[str, Any]) -> None:
    if not _NAME.fullmatch(config["Name"]):
        raise invalid("The parameter Name must have from 1 to 128 characters: letters, digits, hyphens, underscores.")
