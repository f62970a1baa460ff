"""EC2's CloudFormation types. Source: "Amazon EC2 resource type reference"."""

from __future__ import annotations

from kumoi.services.ec2.resources import acls, addresses, endpoints, gateways, groups, others, routes, vpcs

RESOURCES = (
    *vpcs.TYPES,
    *gateways.TYPES,
    *routes.TYPES,
    *addresses.TYPES,
    *groups.TYPES,
    *acls.TYPES,
    *endpoints.TYPES,
    *others.TYPES,
)
