"""Staging distributions: made as copies of a primary one, promoted by copying their configuration back."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.cloudfront import cloudfront
from kumoi.services.cloudfront.configuration.normal_form import listed
from kumoi.services.cloudfront.describing import described
from kumoi.services.cloudfront.errors import check_version, invalid
from kumoi.services.cloudfront.lookup import find_distribution
from kumoi.services.cloudfront.naming import location, new_id, new_label
from kumoi.services.cloudfront.operations.distributions import replace, store
from kumoi.services.cloudfront.records import Distribution
from kumoi.services.cloudfront.references import check_references
from kumoi.wire.errors import aws_error

_KEPT = ("Aliases", "CallerReference", "ContinuousDeploymentPolicyId", "Enabled", "Staging", "ViewerCertificate")
"""What a primary distribution keeps when its staging distribution is promoted."""


@cloudfront.operation
async def copy_distribution(
    call: Call,
    PrimaryDistributionId: str,
    CallerReference: str,
    Staging: bool = False,
    IfMatch: str | None = None,
    Enabled: bool | None = None,
) -> dict[str, Any]:
    """Make a staging distribution that is configured as a primary one is, but has no aliases."""
    if not Staging:
        raise invalid("The parameter Staging must be true: only staging distributions are made as copies.")
    primary = await find_distribution(call.state, PrimaryDistributionId)
    check_version(primary.etag, IfMatch)
    config = {
        **primary.config,
        "CallerReference": CallerReference,
        "Aliases": listed([]),
        "ContinuousDeploymentPolicyId": "",
        "Staging": True,
        "Enabled": primary.config["Enabled"] if Enabled is None else Enabled,
    }
    fresh = Distribution(
        id=new_id(),
        label=new_label(),
        etag=new_id(),
        config=config,
        created=call.now,
        changed=call.now,
        deployment=primary.deployment,
        staggered=primary.staggered,
        staging=True,
    )
    made = await store(call, fresh)
    return {
        "Distribution": await described(call, made, status="InProgress"),
        "Location": location(f"distribution/{made.id}"),
        "ETag": made.etag,
    }


@cloudfront.operation
async def update_distribution_with_staging_config(
    call: Call, Id: str, StagingDistributionId: str | None = None, IfMatch: str | None = None
) -> dict[str, Any]:
    """Give a primary distribution the configuration of a staging one; IfMatch names the versions of both."""
    if not StagingDistributionId:
        raise aws_error("NoSuchDistribution", "The staging distribution is not named.", status=404)
    primary = await find_distribution(call.state, Id)
    staging = await find_distribution(call.state, StagingDistributionId)
    versions = [part.strip() for part in (IfMatch or "").split(",") if part.strip()]
    check_version(primary.etag, versions[0] if versions else None)
    check_version(staging.etag, versions[1] if len(versions) > 1 else None)
    if not staging.staging:
        raise invalid("The parameter StagingDistributionId does not name a staging distribution.")
    config = {**staging.config, **{member: primary.config[member] for member in _KEPT}}
    await check_references(call, config)
    changed = await replace(call, Id, primary.etag, config)
    return {"Distribution": await described(call, changed, status="InProgress"), "ETag": changed.etag}
