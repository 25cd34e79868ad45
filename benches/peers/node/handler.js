// A peer: the grant as people write it for Node, with the SDK and a PUT like that of the CDK's own custom resources.
// Reads no policy before it writes.

import https from 'node:https';
import {
  AddLayerVersionPermissionCommand,
  LambdaClient,
  RemoveLayerVersionPermissionCommand,
  ResourceNotFoundException,
} from '@aws-sdk/client-lambda';

const client = new LambdaClient({});

export async function handler(event, context) {
  try {
    const id = event.RequestType === 'Delete' ? await revoke(event) : await grant(event.ResourceProperties);
    await respond(event, { Status: 'SUCCESS', PhysicalResourceId: id });
  } catch (error) {
    console.log(error);
    const id = event.PhysicalResourceId ?? context.logStreamName;
    await respond(event, { Status: 'FAILED', Reason: error.message, PhysicalResourceId: id });
  }
}

function layerVersion(arn) {
  const end = arn.lastIndexOf(':');
  return { LayerName: arn.slice(0, end), VersionNumber: Number(arn.slice(end + 1)) };
}

async function grant(properties) {
  await client.send(new AddLayerVersionPermissionCommand({
    ...layerVersion(properties.LayerVersionArn),
    StatementId: properties.StatementId,
    Action: properties.Action ?? 'lambda:GetLayerVersion',
    Principal: properties.Principal,
    OrganizationId: properties.OrganizationId,
  }));
  return `${properties.LayerVersionArn}#${properties.StatementId}`;
}

async function revoke(event) {
  const [arn, statementId] = event.PhysicalResourceId.split('#');
  try {
    await client.send(new RemoveLayerVersionPermissionCommand({ ...layerVersion(arn), StatementId: statementId }));
  } catch (error) {
    if (!(error instanceof ResourceNotFoundException)) throw error;
  }
  return event.PhysicalResourceId;
}

function respond(event, response) {
  const body = JSON.stringify({
    Reason: 'See the log',
    StackId: event.StackId,
    RequestId: event.RequestId,
    LogicalResourceId: event.LogicalResourceId,
    NoEcho: false,
    ...response,
  });
  const url = new URL(event.ResponseURL);
  const options = {
    hostname: url.hostname,
    path: url.pathname + url.search,
    method: 'PUT',
    headers: { 'content-type': '', 'content-length': Buffer.byteLength(body, 'utf8') },
  };
  return new Promise((resolve, reject) => {
    const request = https.request(options, (response) => {
      response.resume();
      response.on('end', () => (response.statusCode < 400 ? resolve() : reject(new Error(`PUT: ${response.statusCode}`))));
    });
    request.on('error', reject);
    request.end(body);
  });
}
