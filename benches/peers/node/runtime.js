// The loop that asks the Runtime API for events. It stands for Lambda's own runtime and does less than that one, which is in
// the peer's favour.

import http from 'node:http';
import { handler } from './handler.js';

const [hostname, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

function call(method, path, body = '') {
  const headers = { 'content-length': Buffer.byteLength(body) };
  const options = { agent, hostname, port, method, headers, path: `/2018-06-01/runtime/invocation/${path}` };
  return new Promise((resolve, reject) => {
    const request = http.request(options, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => resolve({ headers: response.headers, body: Buffer.concat(chunks).toString() }));
    });
    request.on('error', reject);
    request.end(body);
  });
}

async function serve() {
  for (;;) {
    const { headers, body } = await call('GET', 'next');
    const id = headers['lambda-runtime-aws-request-id'];
    try {
      const result = await handler(JSON.parse(body), { awsRequestId: id, logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME });
      await call('POST', `${id}/response`, JSON.stringify(result ?? null));
    } catch (error) {
      await call('POST', `${id}/error`, JSON.stringify({ errorType: error.name, errorMessage: error.message }));
    }
  }
}

serve();
