// The shop for the AWS CDK: `cdk deploy`.
const path = require("node:path");
const { App, CfnOutput, Duration, RemovalPolicy, Stack } = require("aws-cdk-lib");
const { CfnApi, CfnIntegration, CfnRoute, CfnStage } = require("aws-cdk-lib/aws-apigatewayv2");
const { AttributeType, BillingMode, Table } = require("aws-cdk-lib/aws-dynamodb");
const { Rule, Schedule } = require("aws-cdk-lib/aws-events");
const { LambdaFunction } = require("aws-cdk-lib/aws-events-targets");
const { ServicePrincipal } = require("aws-cdk-lib/aws-iam");
const { Code, Function, Runtime } = require("aws-cdk-lib/aws-lambda");
const { SqsEventSource } = require("aws-cdk-lib/aws-lambda-event-sources");
const { Queue } = require("aws-cdk-lib/aws-sqs");

class Shop extends Stack {
  constructor(scope, id, props) {
    super(scope, id, props);
    const orders = new Table(this, "Orders", {
      partitionKey: { name: "id", type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const placed = new Queue(this, "Placed");
    const code = Code.fromAsset(path.join(__dirname, "..", "functions"));
    const made = (name) =>
      new Function(this, name, {
        runtime: Runtime.PYTHON_3_12,
        handler: `shop.${name.toLowerCase()}`,
        code,
        timeout: Duration.seconds(10),
        environment: { TABLE: orders.tableName, QUEUE: placed.queueUrl },
      });
    const [api, worker, report] = ["Api", "Worker", "Report"].map(made);
    for (const one of [api, worker, report]) orders.grantReadWriteData(one);
    placed.grantSendMessages(api);
    worker.addEventSource(new SqsEventSource(placed));
    new Rule(this, "Nightly", { schedule: Schedule.cron({ hour: "3", minute: "0" }), targets: [new LambdaFunction(report)] });
    const http = new CfnApi(this, "Http", { name: "shop", protocolType: "HTTP" });
    const integration = new CfnIntegration(this, "Integration", {
      apiId: http.ref,
      integrationType: "AWS_PROXY",
      integrationUri: api.functionArn,
      payloadFormatVersion: "2.0",
    });
    ["POST /orders", "GET /orders/{id}", "GET /report"].forEach((routeKey, number) => {
      new CfnRoute(this, `Route${number}`, { apiId: http.ref, routeKey, target: `integrations/${integration.ref}` });
    });
    new CfnStage(this, "Stage", { apiId: http.ref, stageName: "$default", autoDeploy: true });
    api.addPermission("Http", { principal: new ServicePrincipal("apigateway.amazonaws.com") });
    new CfnOutput(this, "Url", { value: http.attrApiEndpoint });
    new CfnOutput(this, "Reporter", { value: report.functionName });
  }
}

new Shop(new App(), "shop", { env: { account: process.env.CDK_DEFAULT_ACCOUNT, region: process.env.CDK_DEFAULT_REGION } });
