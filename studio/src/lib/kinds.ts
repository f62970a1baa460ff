// What a node is, in words and as a picture: one stroke icon (24×24) and one hue a kind.

export interface Kind {
  title: string;
  hue: number;
  icon: string;
}

const FUNCTION = "M6 20 11.5 8.5 M9 4h1.6c.8 0 1.4.4 1.7 1.2L18 20h2";
const TABLE = "M4 6c0-1.1 3.6-2 8-2s8 .9 8 2-3.6 2-8 2-8-.9-8-2Z M4 6v12c0 1.1 3.6 2 8 2s8-.9 8-2V6 M4 12c0 1.1 3.6 2 8 2s8-.9 8-2";
const QUEUE = "M3 8h18v8H3Z M9 8v8 M15 8v8";
const TOPIC = "M12 12h.01 M8.5 15.5a5 5 0 0 1 0-7 M15.5 8.5a5 5 0 0 1 0 7 M5.6 18.4a9 9 0 0 1 0-12.8 M18.4 5.6a9 9 0 0 1 0 12.8";
const BUCKET = "M4 7c0-1.2 3.6-2 8-2s8 .8 8 2-3.6 2-8 2-8-.8-8-2Z M4.2 7.4 6 18.6c.2 1 2.8 1.9 6 1.9s5.8-.9 6-1.9l1.8-11.2";
const GATE = "M8 4H5v16h3 M16 4h3v16h-3 M9 12h6 M13 9.5l2.5 2.5-2.5 2.5";
const STATES = "M4 4h6v5H4Z M14 15h6v5h-6Z M7 9v4.5c0 2.2 1.8 4 4 4h3 M14 4h6v5h-6Z M10 6.5h4";
const BUS = "M3 12h18 M7 12V6 M12 12v6 M17 12V6 M7 5.5h.01 M12 18.5h.01 M17 5.5h.01";
const STREAM = "M3 7c3 0 3 2 6 2s3-2 6-2 3 2 6 2 M3 12c3 0 3 2 6 2s3-2 6-2 3 2 6 2 M3 17c3 0 3 2 6 2s3-2 6-2 3 2 6 2";
const CLOCK = "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Z M12 7v5l3.5 2";
const PIPE = "M3 9h5v6H3Z M16 9h5v6h-5Z M8 12h8 M12 9.5v5";
const GLOBE = "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Z M3.5 12h17 M12 3c3 2.6 3 15.4 0 18 M12 3c-3 2.6-3 15.4 0 18";
const GRAPH = "M12 4l7 4v8l-7 4-7-4V8Z M12 4v16 M5 8l14 8 M19 8 5 16";
const CHIP = "M7 7h10v10H7Z M10 3v4 M14 3v4 M10 17v4 M14 17v4 M3 10h4 M3 14h4 M17 10h4 M17 14h4";
const PERSON = "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8Z M4.5 20.5a7.5 7.5 0 0 1 15 0";
const KEY = "M9 15a4.5 4.5 0 1 1 4.2-6.1H21v3.5h-2.5V15H16v-2.6h-2.8A4.5 4.5 0 0 1 9 15Z M8.5 10.5h.01";
const MAIL = "M4 6h16v12H4Z M4 7l8 6 8-6";
const SCALES = "M4 12h4l4-6v12l4-6h4";
const CHART = "M4 20V4 M4 20h16 M8 16v-4 M12 16V8 M16 16v-6";
const BOX = "M4 8l8-4 8 4v8l-8 4-8-4Z M4 8l8 4 8-4 M12 12v8";

const KINDS: Record<string, Kind> = {
  client: { title: "Clients", hue: 220, icon: PERSON },
  studio: { title: "Studio", hue: 226, icon: PERSON },
  lambda: { title: "Function", hue: 27, icon: FUNCTION },
  dynamodb: { title: "Table", hue: 222, icon: TABLE },
  sqs: { title: "Queue", hue: 330, icon: QUEUE },
  ses: { title: "Mail", hue: 330, icon: MAIL },
  sns: { title: "Topic", hue: 340, icon: TOPIC },
  s3: { title: "Bucket", hue: 140, icon: BUCKET },
  apigateway: { title: "REST API", hue: 268, icon: GATE },
  apigatewayv2: { title: "API", hue: 268, icon: GATE },
  stepfunctions: { title: "State machine", hue: 318, icon: STATES },
  events: { title: "Event bus or rule", hue: 350, icon: BUS },
  kinesis: { title: "Stream", hue: 262, icon: STREAM },
  firehose: { title: "Delivery stream", hue: 262, icon: STREAM },
  scheduler: { title: "Schedule", hue: 10, icon: CLOCK },
  pipes: { title: "Pipe", hue: 345, icon: PIPE },
  cloudfront: { title: "Distribution", hue: 200, icon: GLOBE },
  appsync: { title: "GraphQL API", hue: 300, icon: GRAPH },
  iot: { title: "IoT", hue: 160, icon: CHIP },
  "iot-data": { title: "IoT", hue: 160, icon: CHIP },
  iotanalytics: { title: "IoT Analytics", hue: 170, icon: CHART },
  "cognito-idp": { title: "User pool", hue: 0, icon: PERSON },
  rds: { title: "Database", hue: 230, icon: TABLE },
  "rds-data": { title: "Database", hue: 230, icon: TABLE },
  secretsmanager: { title: "Secret", hue: 355, icon: KEY },
  kms: { title: "Key", hue: 355, icon: KEY },
  ssm: { title: "Parameter", hue: 355, icon: KEY },
  elbv2: { title: "Load balancer", hue: 275, icon: SCALES },
  xray: { title: "Part of a function's work", hue: 27, icon: "M5 6h14 M8 11h9 M8 16h6 M5 6v12" },
  app: { title: "Application", hue: 222, icon: BOX },
};

export function kindOf(name: string): Kind {
  return KINDS[name] ?? { title: name, hue: 220, icon: BOX };
}
