/** The support bundle: no secret leaves in any form, it is bounded, in one order, and there when the node is not. */

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MOST_TOTAL, makeBundle } from '../../runtime/cli/diag/bundle.ts';
import type { Part } from '../../runtime/cli/diag/collect.ts';
import { Redactor } from '../../runtime/cli/diag/redact.ts';
import { findSecrets } from '../../runtime/cli/diag/secrets.ts';
import { tar } from '../../runtime/cli/diag/tar.ts';
import { vigie } from '../support/cli.ts';
import { fakePrograms } from '../support/fake-programs.ts';
import { freePort } from '../support/mosquitto.ts';
import { killNodes, nodeFolder, runNode } from '../support/node.ts';

const folder = mkdtempSync(join(tmpdir(), 'vigie-diag-'));
const programs = fakePrograms();
test.after(() => {
  programs.remove();
  rmSync(folder, { recursive: true, force: true });
  killNodes();
});

const KEY = `-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF
-----END PRIVATE KEY-----
`;
const SECRETS = { mqtt: 'hunter2"\\ö', camera: 'c@m/era pass', dashboard: 'correct horse', short: 'x7!' };

/** As the machine would give it, with secrets wherever somebody may have put one. */
function plantSecrets(port: number) {
  const file = (name: string, content: string) => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };
  const node = nodeFolder({
    node: { site: 'test', name: 'ill' },
    mqtt: {
      url: 'mqtts://127.0.0.1:1',
      username: 'node',
      passwordFile: file('mqtt-password', `${SECRETS.mqtt}\n`),
      tls: { certFile: file('cert.pem', 'no secret'), keyFile: file('key.pem', KEY) },
    },
    cameras: [
      {
        name: 'gate',
        source: {
          type: 'rtsp',
          url: 'rtsp://127.0.0.1:1/',
          user: 'me',
          passwordFile: file('camera', SECRETS.camera),
        },
      },
    ],
    http: { port, passwordFile: file('dashboard', SECRETS.dashboard) },
  });
  const lines = [
    `connecting to mqtts://node:${encodeURIComponent(SECRETS.mqtt)}@broker`,
    JSON.stringify({ level: 'info', event: 'x', message: `said ${SECRETS.mqtt}`, password: SECRETS.camera }),
    `Authorization: Basic ${Buffer.from(`vigie:${SECRETS.dashboard}`).toString('base64')}`,
    `base64 ${Buffer.from(SECRETS.camera).toString('base64')} hex ${Buffer.from(SECRETS.mqtt).toString('hex')}`,
    KEY.replaceAll('\n', '\\n'),
    `${KEY.slice(0, 60)}`,
    'token=somebody-elses-token, --password=other-secret, "api_key": "k-1234567890"',
    'Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl',
  ];
  const journal = lines.map((MESSAGE) =>
    JSON.stringify({ __REALTIME_TIMESTAMP: '1763740391123456', MESSAGE }),
  );
  writeFileSync(join(folder, 'journal'), `${journal.join('\n')}\n`);
  programs.add('journalctl', `cat ${join(folder, 'journal')}`);
  programs.add('systemctl', `echo 'Environment=MQTT_PASSWORD=${SECRETS.dashboard}'; exit 3`);
  programs.add('dpkg-query', 'exit 1');
  const text = readFileSync(node.configFile, 'utf8');
  node.configure(`# the old password was ${SECRETS.short}-in-a-comment\n${text}`);
  return node;
}

const FOREIGN = [
  'somebody-elses-token',
  'other-secret',
  'k-1234567890',
  'eyJhbGci',
  'in-a-comment',
  'MC4CAQ',
];

function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  return [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
    bytes.toString('base64'),
    bytes.toString('hex'),
  ];
}

function unpack(archive: Buffer): Record<string, string> {
  const path = join(folder, 'archive.tar.gz');
  writeFileSync(path, archive);
  const names = execFileSync('tar', ['tzf', path], { encoding: 'utf8' }).trim().split('\n');
  return Object.fromEntries(
    names.map((name) => [
      name.slice(name.indexOf('/') + 1),
      execFileSync('tar', ['xzOf', path, name], { encoding: 'utf8', maxBuffer: 32e6 }),
    ]),
  );
}

test('of a running node: all parts, and no secret in any of them, in any form', async () => {
  const node = plantSecrets(await freePort());
  const running = runNode(node);
  await running.logged('node.started');
  const output = join(folder, 'bundle.tar.gz');
  const args = ['diag', '--config', node.configFile, '--data-dir', node.dataDir, '--output', output];
  const env = { PATH: programs.path, SOURCE_DATE_EPOCH: '1763740391' };
  const { code, stdout, stderr } = await vigie(args, env);
  assert.equal([code, stderr], [0, '']);
  assert.match(stdout, /bundle\.tar\.gz: \d+ kB, without config\/pushed\.yaml, system\/packages\.txt\n/);
  assert.is(statSync(output).mode & 0o777, 0o600);
  const files = unpack(readFileSync(output));
  await running.stop();
  const all = Object.entries(files)
    .map(([name, text]) => `${name}\n${text}`)
    .join('\n');
  for (const secret of Object.values(SECRETS).slice(0, 3))
    for (const form of formsOf(secret)) assert.not.ok(all.includes(form), `${form} of ${secret}`);
  for (const text of FOREIGN) assert.not.ok(all.includes(text), text);
  assert.not.match(all, /PRIVATE KEY/);
  // And it is still of use.
  assert.is(JSON.parse(files['node/status.json']!).node, 'ill');
  assert.match(files['node/metrics.txt']!, /^vigie_uptime_seconds\S* \d/m);
  assert.match(files['config/vigie.yaml']!, /url: mqtts:\/\/127\.0\.0\.1:1/);
  assert.match(files['config/vigie.yaml']!, /passwordFile: \/.*mqtt-password/, 'where it lies is no secret');
  assert.ok(JSON.parse(files['node/doctor.json']!).length > 5);
  assert.match(files['logs/service.jsonl']!, /\[redacted\]/);
  for (const line of files['logs/service.jsonl']!.trim().split('\n')) JSON.parse(line);
  assert.match(files['node/files.txt']!, /outbox\.db/);
  node.remove();
});

test('of a machine where nothing is as it should be: a bundle all the same, which says what is missing', async () => {
  const output = join(folder, 'empty.tar.gz');
  const nowhere = join(folder, 'nowhere');
  const { code, stdout } = await vigie(
    ['diag', '--config', join(nowhere, 'vigie.yaml'), '--data-dir', nowhere, '--output', output],
    { PATH: '/usr/bin:/bin' },
  );
  assert.is(code, 0);
  assert.match(stdout, /without .*node\/status\.json/);
  const missing = JSON.parse(unpack(readFileSync(output))['missing.json']!);
  assert.match(missing['node/status.json'], /no node answers/);
  assert.match(missing['config/vigie.yaml'], /ENOENT/);
});

test('secrets are found by reference anywhere in a configuration, broken ones too, and in folders of credentials', () => {
  const store = join(folder, 'store');
  mkdirSync(store);
  writeFileSync(join(store, 'broker'), 'from the store');
  writeFileSync(join(folder, 'direct'), 'from a file\n');
  const config = { anything: [{ deep: { passwordFile: join(folder, 'direct') } }], keyFile: '/nowhere/key' };
  assert.equal(findSecrets([config, undefined, 7], [store, '/nowhere']), {
    values: ['from the store', 'from a file'],
    unread: ['/nowhere/key'],
  });
});

const part = (name: string, text: string, keep: Part['keep'] = 'begin'): Part => ({
  name,
  keep,
  make: async () => text,
});
const bundleOf = (parts: Part[], secrets: string[] = []) =>
  makeBundle({ parts, redactor: new Redactor(secrets), name: 'x', time: 1763740391 });

test('bounded, the end of logs kept; the same parts make the same bytes, whatever their order', async () => {
  const long = Array.from({ length: 400_000 }, (_, i) => `line ${i} of a long log`).join('\n');
  const parts = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => part(name, long, 'end'));
  const { bytes } = await bundleOf(parts);
  const size = gunzipSync(bytes).length;
  assert.ok(size < MOST_TOTAL + 64 * 1024, `${size}`);
  const { a } = unpack(bytes);
  assert.match(a!, /^\(\d+ bytes left out\)\nline \d+ of a long log\n/);
  assert.ok(a!.endsWith('line 399999 of a long log'));
  const [one, two] = await Promise.all([
    bundleOf([part('a', '1'), part('b', '2')]),
    bundleOf([part('b', '2'), part('a', '1')]),
  ]);
  assert.equal(one.bytes, two.bytes);
});

test('a secret that got past everything makes no bundle at all', async () => {
  const redactor = new Redactor(['the secret']);
  redactor.text = (text) => text;
  try {
    await makeBundle({ parts: [part('a', 'it is the secret')], redactor, name: 'x', time: 0 });
    assert.unreachable();
  } catch (error) {
    assert.match(String(error), /no bundle was made: a secret would have been in a/);
  }
});

test('any secret, anywhere, in any form that programs write it', () => {
  const secret = fc
    .string({ unit: 'grapheme', minLength: 4, maxLength: 40 })
    .filter((text) => text.trim().length >= 4);
  const form = fc.constantFrom<(text: string) => string>(
    (text) => text,
    (text) => JSON.stringify({ note: text }),
    (text) => JSON.stringify(JSON.stringify({ note: text })),
    (text) => `mqtt://u:${encodeURIComponent(text)}@host`,
    (text) => Buffer.from(text).toString('base64'),
    (text) => Buffer.from(text).toString('hex'),
  );
  fc.assert(
    fc.property(secret, form, fc.string(), fc.string(), (value, as, before, after) => {
      fc.pre(!before.includes(value) && !'[redacted]'.includes(value));
      const clean = new Redactor([`${value}\n`]).text(`${before}${as(value)}${after}`);
      assert.not.ok(clean.replaceAll('[redacted]', '').includes(value), clean);
    }),
    { numRuns: 500 },
  );
});

test('what only talks about secrets stays', () => {
  const redactor = new Redactor([]);
  for (const text of [
    'passwordFile: /etc/vigie/mqtt-password',
    '{"passwordFile":"credential:mqtt"}',
    'tls: { keyFile: /etc/vigie/key.pem }',
    'vigie_http_requests_total{code="200"} 5',
    '"event":"mqtt.connection.lost","code":"ota-no-previous"',
    'sessionExpiry: 1h',
    'spindle: 7, bypass = open, mapping: [1]',
  ])
    assert.is(redactor.text(text), text);
});

test('the archive is what tar reads, also with empty and odd-sized files', () => {
  const files = [0, 1, 511, 512, 513].map((size) => ({
    name: `f-${size}`,
    content: Buffer.alloc(size, 'x'),
  }));
  const path = join(folder, 'plain.tar');
  writeFileSync(path, tar(files, 1763740391));
  const listed = execFileSync('tar', ['tvf', path], { encoding: 'utf8', env: { ...process.env, TZ: 'UTC' } });
  assert.equal(
    listed
      .trim()
      .split('\n')
      .map((line) => line.split(/\s+/).slice(2)),
    [0, 1, 511, 512, 513].map((size) => [`${size}`, '2025-11-21', '15:53', `f-${size}`]),
  );
  assert.throws(() => tar([{ name: 'n'.repeat(101), content: Buffer.alloc(0) }], 0), /longer than 100/);
});

test.run();
