"""Which permissions the data plane of key-value stores needs: actions of its own, on a store's ARN."""

from kumoi.doorway import Authorization
from kumoi.services.cloudfront.authorization import resource

AUTHORIZATION = Authorization("cloudfront-keyvaluestore", resource=resource)
