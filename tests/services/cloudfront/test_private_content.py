"""Signed URLs and cookies, as botocore's signer makes them."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from botocore.signers import CloudFrontSigner
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

Config = Callable[..., dict[str, Any]]
View = Callable[..., Any]


@pytest.fixture(scope="module")
def private_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture
def private(kumoi: Any, config: Config, private_key: rsa.RSAPrivateKey) -> tuple[str, CloudFrontSigner]:
    """A distribution whose viewers must be signed for, and a signer."""
    client, s3 = kumoi.client("cloudfront"), kumoi.client("s3")
    bucket = f"private-{kumoi.account}"
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="film.mp4", Body=b"film")
    pem = private_key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    key = client.create_public_key(PublicKeyConfig={"CallerReference": "1", "Name": "key", "EncodedKey": pem.decode()})[
        "PublicKey"
    ]["Id"]
    group = client.create_key_group(KeyGroupConfig={"Name": "group", "Items": [key]})["KeyGroup"]["Id"]
    behaviour = {"TrustedKeyGroups": {"Enabled": True, "Quantity": 1, "Items": [group]}}
    given = config(f"{bucket}.s3.us-east-1.amazonaws.com", behaviour=behaviour)
    made = client.create_distribution(DistributionConfig=given)["Distribution"]
    assert made["ActiveTrustedKeyGroups"]["Items"] == [
        {"KeyGroupId": group, "KeyPairIds": {"Quantity": 1, "Items": [key]}}
    ]
    signer = CloudFrontSigner(
        key,
        lambda message: private_key.sign(message, padding.PKCS1v15(), hashes.SHA1()),
    )
    return made["DomainName"], signer


def path_of(url: str) -> str:
    return "/" + url.split("/", 3)[3]


def test_a_canned_policy(kumoi: Any, private: tuple[str, CloudFrontSigner], view: View) -> None:
    domain, signer = private
    later = kumoi.now() + timedelta(minutes=5)
    url = signer.generate_presigned_url(f"https://{domain}/film.mp4", date_less_than=later)
    assert view(domain, path_of(url)).body == b"film"
    assert view(domain, path_of(url)).headers["x-cache"] == "Hit from cloudfront"
    missing = view(domain, "/film.mp4")
    assert missing.status == 403
    assert (
        b"<Code>MissingKey</Code><Message>Missing Key-Pair-Id query parameter or cookie value</Message>" in missing.body
    )
    assert b"AccessDenied" in view(domain, path_of(url).replace("film.mp4", "other.mp4")).body
    assert b"InvalidKey" in view(domain, path_of(url).replace("Key-Pair-Id=K", "Key-Pair-Id=X")).body
    past = signer.generate_presigned_url(
        f"https://{domain}/film.mp4", date_less_than=kumoi.now() - timedelta(minutes=5)
    )
    assert view(domain, path_of(past)).status == 403


def test_a_custom_policy_and_cookies(kumoi: Any, private: tuple[str, CloudFrontSigner], view: View) -> None:
    domain, signer = private
    later = kumoi.now() + timedelta(minutes=5)
    for address, status in (("127.0.0.0/8", 200), ("10.0.0.0/8", 403)):
        policy = signer.build_policy(f"https://{domain}/*", later, ip_address=address)
        url = signer.generate_presigned_url(f"https://{domain}/film.mp4", policy=policy)
        assert view(domain, path_of(url)).status == status
    policy = signer.build_policy(f"http*://{domain}/*", later, date_greater_than=kumoi.now() - timedelta(minutes=1))
    table = bytes.maketrans(b"+=/", b"-_~")
    jar = {
        "CloudFront-Policy": base64.b64encode(policy.encode()).translate(table).decode(),
        "CloudFront-Signature": base64.b64encode(signer.rsa_signer(policy.encode())).translate(table).decode(),
        "CloudFront-Key-Pair-Id": signer.key_id,
    }
    cookie = "; ".join(f"{name}={value}" for name, value in jar.items())
    assert view(domain, "/film.mp4", Cookie=cookie).body == b"film"
    assert view(domain, "/film.mp4", Cookie=cookie.replace("Policy=", "Policy=x")).status == 403


def test_garbage(private: tuple[str, CloudFrontSigner], view: View) -> None:
    domain, signer = private
    for query in (
        f"Key-Pair-Id={signer.key_id}",
        f"Key-Pair-Id={signer.key_id}&Signature=x&Expires=soon",
        f"Key-Pair-Id={signer.key_id}&Signature=%00&Policy=e30_",
        f"Key-Pair-Id={signer.key_id}&Signature=AAAA&Expires=99999999999999999999999",
    ):
        assert view(domain, f"/film.mp4?{query}").status == 403
