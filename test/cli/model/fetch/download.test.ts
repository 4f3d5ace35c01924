/** Downloads from servers that misbehave. The transport leads https://….test to a server of the test. */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { download, httpsTransport, type Transport } from '../../../../runtime/cli/model/fetch/download.ts';
import { networkError } from '../../../../runtime/cli/model/fetch/download-errors.ts';
import { ModelError } from '../../../../runtime/core/errors.ts';
import { rejects } from '../../../support/rejects.ts';

const CONTENT = Buffer.alloc(20_000, 'weights');
const expected = { bytes: CONTENT.length, sha256: '0'.repeat(64) };
type Answer = (request: IncomingMessage, response: ServerResponse) => void;
const answers: Record<string, Answer> = {};
const asked: string[] = [];
const server = createServer((request, response) => {
  asked.push(request.url!);
  answers[request.url!]!(request, response);
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
test.after(() => {
  server.closeAllConnections();
  server.close();
});
test.before.each(() => {
  asked.length = 0;
});

const port = (server.address() as AddressInfo).port;
const local: Transport = (url, signal) =>
  httpsTransport(new URL(url.pathname, `http://127.0.0.1:${port}`), signal);

/** Adds an answer and asks for it. */
async function got(
  path: string,
  answer?: Answer,
  options: Parameters<typeof download>[2] = {},
): Promise<Buffer> {
  if (answer) answers[path] = answer;
  const chunks: Uint8Array[] = [];
  for await (const chunk of download(`https://models.test${path}`, expected, {
    transport: local,
    ...options,
  }))
    chunks.push(chunk);
  return Buffer.concat(chunks);
}
const to =
  (location: string, status = 302): Answer =>
  (_, response) =>
    response.writeHead(status, { location }).end('moved');

test('the bytes, asked for without compression', async () => {
  const bytes = await got('/plain', (request, response) => {
    assert.is(request.headers['accept-encoding'], 'identity');
    assert.match(request.headers['user-agent']!, /^vigie\/\d/);
    response.setHeader('content-length', CONTENT.length).end(CONTENT);
  });
  assert.equal(bytes, CONTENT);
});

test('redirects are followed, relative ones too', async () => {
  answers['/end'] = (_, response) => response.end(CONTENT);
  answers['/second'] = to('/end', 308);
  assert.equal(await got('/first', to('https://elsewhere.test/second', 301)), CONTENT);
  assert.equal(asked, ['/first', '/second', '/end']);
});

const redirects: [what: string, location: string, says: RegExp][] = [
  [
    'to http',
    'http://models.test/end',
    /models\.test leads to http:\/\/, which is not safe; nothing was fetched/,
  ],
  ['to a file', 'file:///etc/passwd', /leads to file:/],
  ['to nonsense', 'https://', /redirect to nowhere/],
  ['to itself', '/to itself', /redirects more than 5 times/],
];
for (const [what, location, says] of redirects) {
  test(`a redirect ${what} is refused`, async () => {
    const path = encodeURI(`/${what}`);
    const error = await rejects(got(path, to(location)), 'model-redirect');
    assert.match(error.message, says);
    assert.not.ok(asked.includes('/end'));
  });
}

test('a redirect without an address, and an address that is not HTTPS from the start', async () => {
  await rejects(
    got('/lost', (_, response) => response.writeHead(302).end()),
    'model-redirect',
  );
  const first = download('http://models.test/plain', expected, { transport: local });
  await rejects(first.next(), 'model-redirect');
  assert.equal(asked, ['/lost']);
});

const statuses: [status: number, code: string, retryable: boolean, says: RegExp][] = [
  [404, 'model-gone', false, /no longer there; or bring the file on a stick/],
  [403, 'model-refused', false, /answers 403/],
  [304, 'model-refused', false, /answers 304/],
  [429, 'model-download', true, /try again later/],
  [500, 'model-download', true, /answers 500/],
  [503, 'model-download', true, /answers 503/],
];
for (const [status, code, retryable, says] of statuses) {
  test(`status ${status}: ${code}`, async () => {
    const error = await rejects(
      got(`/${status}`, (_, response) => response.writeHead(status).end()),
      code,
    );
    assert.is(error.retryable, retryable);
    assert.match(error.message, says);
  });
}

test('another length than that of the index is refused before a byte is taken', async () => {
  const offers = (bytes: number, type = 'application/octet-stream'): Answer => {
    return (_, response) => {
      response.writeHead(200, { 'content-length': bytes, 'content-type': type });
      response.end(Buffer.alloc(bytes));
    };
  };
  await rejects(got('/longer', offers(CONTENT.length + 1)), 'model-too-long');
  const shorter = await rejects(got('/shorter', offers(900)), 'model-refused');
  assert.match(shorter.message, /offers 900 bytes, the index says 20000: this is another file/);
  const page = await rejects(got('/portal', offers(900, 'text/html; charset=utf-8')), 'model-refused');
  assert.match(page.message, /the network's log-in page/);
});

test('a connection that breaks: retryable', async () => {
  const error = await rejects(
    got('/broken', (_, response) => {
      response.writeHead(200, { 'content-length': CONTENT.length });
      response.write(CONTENT.subarray(0, 5000), () => response.destroy());
    }),
    'model-download',
  );
  assert.ok(error.retryable);
});

test('a server that falls silent, before its answer or within: it is left', async () => {
  for (const [path, answer] of [
    ['/mute', () => {}],
    [
      '/half',
      (_: IncomingMessage, response: ServerResponse) => void response.write(CONTENT.subarray(0, 5000)),
    ],
  ] as const) {
    const error = await rejects(got(path, answer, { idleMs: 100 }), 'model-download');
    assert.match(error.message, /said nothing/);
  }
});

test('whoever stops it gives the reason', async () => {
  const stop = new AbortController();
  const work = got('/stopped', () => stop.abort(new ModelError('model-stopped', 'stopped')), {
    signal: stop.signal,
  });
  await rejects(work, 'model-stopped');
});

test('no server at all', async () => {
  const nobody: Transport = (_, signal) => httpsTransport(new URL('https://127.0.0.1:1/'), signal);
  const error = await rejects(got('/any', undefined, { transport: nobody }), 'model-download');
  assert.match(error.message, /^cannot download from models\.test/);
});

const failed = (code: string, message = code) =>
  new TypeError('fetch failed', { cause: Object.assign(new RangeError(message), { code }) });
const hints: [what: string, cause: unknown, env: Record<string, string>, says: RegExp][] = [
  [
    'offline',
    failed('ENOTFOUND'),
    {},
    /is this machine online\? behind a proxy set HTTPS_PROXY, .*--from DIR/,
  ],
  ['no route on any address', new AggregateError([failed('ENETUNREACH')]), {}, /is this machine online/],
  ['refused', failed('ECONNREFUSED'), {}, /models\.test; behind a proxy set HTTPS_PROXY/],
  ['a wrong clock', failed('CERT_NOT_YET_VALID'), {}, /is the clock right\?/],
  ['an unknown authority', failed('SELF_SIGNED_CERT_IN_CHAIN'), { HTTPS_PROXY: 'x' }, /NODE_EXTRA_CA_CERTS/],
  ['a proxy that is away', failed('ECONNREFUSED'), { https_proxy: 'x' }, /proxy of HTTPS_PROXY; does it run/],
  ['a proxy with a log-in', failed('E', 'got 407'), { HTTPS_PROXY: 'x' }, /USER:PASSWORD@HOST/],
];
for (const [what, cause, env, says] of hints) {
  test(`the hint for ${what}`, () => {
    const error = networkError('https://models.test/a.onnx', cause, env);
    assert.equal([error.code, error.retryable], ['model-download', true]);
    assert.match(error.message, says);
  });
}

test.run();
