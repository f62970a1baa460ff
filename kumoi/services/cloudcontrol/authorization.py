"""Which permissions Cloud Control's calls need: CloudFormation's actions of their names; and what the services ask.

Source: "Actions, resources, and condition keys for AWS Cloud Control API" of the service authorization reference.
"""

from __future__ import annotations

from kumoi.doorway import Authorization

AUTHORIZATION = Authorization("cloudformation")
