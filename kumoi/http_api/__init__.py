"""What the kinds of APIs of API Gateway (REST, HTTP, WebSocket) share: where an API is found, how a request becomes an
event, how a function or an HTTP endpoint is called, throttles, access logs, authorizers' policies.

Used by the services `apigateway`, `apigatewayv2` and `execute-api`, which never import one another.
"""
