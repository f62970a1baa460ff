// What happened, in people's words: calls that are none of AWS's operations have names of the platform's own.

const WORDS: Record<string, string> = {
  "execute-api": "HTTP request",
  "cloudfront-edge": "HTTP request",
  "lambda-url": "HTTP request",
  "s3-website": "HTTP request",
  "appsync-api": "GraphQL request",
  "appsync-realtime": "GraphQL subscription",
  "iot-mqtt": "MQTT connection",
  elb: "HTTP request",
  edge: "HTTP request",
  ServeHttpApi: "HTTP request",
  ServeRestApi: "HTTP request",
  ServeWebSocketApi: "WebSocket opened",
  ServeWebSocketMessage: "WebSocket message",
  EndWebSocketConnection: "WebSocket closed",
  MqttConnect: "MQTT connect",
  MqttPublish: "MQTT publish",
  MqttSubscribe: "MQTT subscribe",
};

export function said(operation: string): string {
  return WORDS[operation] ?? operation;
}
