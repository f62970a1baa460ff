"""Which permissions the calls of API Gateway V2 need."""

from kumoi.http_api.authorization import ApiGatewayAuthorization

AUTHORIZATION = ApiGatewayAuthorization()
