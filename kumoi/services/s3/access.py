"""What anybody may do: a bucket's policy asked about a caller whom nobody knows.

Only with `--auth verify` and `enforce`; else everybody may do everything. Rules: "Blocking public access to your Amazon
S3 storage" and "Setting permissions for website access" in the S3 user guide.
"""

from __future__ import annotations

from kumoi.doorway import Call
from kumoi.policy import Caller, Request
from kumoi.services.s3 import policies
from kumoi.services.s3.kinds import block_of
from kumoi.services.s3.lookup import find_bucket, home
from kumoi.services.s3.settings import settings_of
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

NOBODY = Caller("")


async def check_anonymous(call: Call, bucket: str, key: str, action: str = "s3:GetObject") -> None:
    """Raise AccessDenied where signatures count and the bucket's policy does not let everybody do this."""
    if not call.doorway.identity.verifies or call.http is None:
        return
    headers = call.http.headers
    context: dict[str, tuple[str, ...]] = {
        "aws:sourceip": (call.http.client[0],),
        "aws:securetransport": ("true" if call.http.scheme == "https" else "false",),
    }
    for key_name, header in (("aws:referer", "referer"), ("aws:useragent", "user-agent")):
        if (value := headers.get(header)) is not None:
            context[key_name] = (value,)
    if not await _lets_in(call.state, bucket, action, key, context):
        raise aws_error("AccessDenied", "Access Denied", status=403)


@transactional
async def _lets_in(tx: Transaction, name: str, action: str, key: str, context: dict[str, tuple[str, ...]]) -> bool:
    bucket = await find_bucket(tx, name)
    tx = home(tx, bucket)
    text = (await settings_of(tx, bucket)).get("Policy")
    if text is None or ((await block_of(tx, bucket))["RestrictPublicBuckets"] and policies.is_public(text)):
        return False
    policy = policies.compiled(text)
    request = Request(NOBODY, action, f"{bucket.arn}/{key}", context)
    return policy.says(request, "Deny") is None and policy.says(request, "Allow") is not None
