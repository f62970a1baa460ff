"""Which permissions the calls of API Gateway need."""

from kumoi.http_api.authorization import ApiGatewayAuthorization

AUTHORIZATION = ApiGatewayAuthorization()
