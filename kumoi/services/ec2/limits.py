"""Quotas that are checked. Source: "Amazon VPC quotas" of the Amazon VPC user guide, the values of a new account."""

MOST_VPCS = 5
"""In a region."""
MOST_ADDRESSES = 5
MOST_GROUPS_PER_INTERFACE = 5
MOST_ROUTES = 500
"""Of one route table."""
MOST_BLOCKS = 5
"""IPv4 blocks of a VPC."""
