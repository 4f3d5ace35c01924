/** Keys, bundles and repositories as a user handles them: every command, its words, its files and its exit status. */

import { generateKeyPairSync } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { vigie, vigieHere } from '../../support/cli.ts';
import { modelSignature } from '../../support/model-signing.ts';
import { PASSPHRASE, scoreModel, type TestKeys, testKeys, writeKeys } from '../../support/ota-repository.ts';

const folder = mkdtempSync(join(tmpdir(), 'vigie-ota-cli-'));
const at = (...parts: string[]) => join(folder, ...parts);
const keys: TestKeys = testKeys();
const pass = ['--passphrase-file', at('passphrase')];
const every = ['--key', at('keys'), ...pass];
const ota = (...args: string[]) => vigieHere(['ota', ...args]);
const good = async (...args: string[]) => {
  const result = await ota(...args);
  assert.is(result.code, 0, result.stderr + result.stdout);
  return result;
};

test.before(async () => {
  writeFileSync(at('passphrase'), `${PASSPHRASE}\nsecond line\n`);
  writeFileSync(at('wrong'), 'something else\n');
  writeFileSync(at('score.onnx'), scoreModel(1, 40_000));
  writeFileSync(at('nan.onnx'), 'no model');
  await writeKeys(at('keys'), keys);
});
test.after(() => rmSync(folder, { recursive: true, force: true }));

test('a key is made in two files, once, and never shows its passphrase', async () => {
  const made = await good('key', 'gen', at('mine'), ...pass, '--json');
  const [key] = JSON.parse(made.stdout).keys;
  assert.is(JSON.parse(readFileSync(at('mine.pub'), 'utf8')).keyid, key.keyid);
  const again = await ota('key', 'gen', at('mine'), ...pass);
  assert.is(again.code, 1);
  assert.match(again.stderr, /never overwritten/);
  const info = await good('key', 'info', at('mine.key'));
  assert.match(info.stdout, new RegExp(`${key.keyid}.*scrypt N=131072, aes-256-gcm`));
  assert.not.match(made.stdout + again.stderr + info.stdout + readFileSync(at('mine.key'), 'utf8'), /horse/);
});

test('passphrases come from a file, a descriptor or a terminal, and from nowhere else', async () => {
  const without = await vigie(['ota', 'key', 'gen', at('other')]);
  assert.is(without.code, 1);
  assert.match(without.stderr, /no terminal to ask .* --passphrase-file or --passphrase-fd/);
  assert.is((await ota('key', 'gen', at('other'), '--passphrase', PASSPHRASE)).code, 2);
  assert.is((await ota('key', 'gen', at('other'), ...pass, '--passphrase-fd', '3')).code, 2);
  assert.is((await ota('key', 'gen', at('other'), '--passphrase-fd', 'x')).code, 2);
  writeFileSync(at('empty'), '\n');
  assert.match(
    (await ota('key', 'gen', at('other'), '--passphrase-file', at('empty'))).stderr,
    /no passphrase/,
  );
  assert.not.ok(existsSync(at('other.key')));
});

test('from a model to a published bundle, and a group that is to run it', async () => {
  const repo = at('fleet');
  await good('repo', 'init', repo, '--keys', at('keys'));
  const early = await ota('repo', 'publish', repo, ...every);
  assert.is(early.code, 20);
  assert.match(early.stderr, /before these are signed: root \(0 of 2 by itself\)/);
  const signed = await good('repo', 'sign', repo, ...every, '--json');
  assert.equal(
    JSON.parse(signed.stdout).signed.map(({ role }: { role: string }) => role),
    ['root', 'targets', 'release', 'deploy'],
  );

  const bundle = at('pump-1');
  const build = [
    'bundle',
    'build',
    at('score.onnx'),
    '--name',
    'pump',
    '--release',
    '1',
    '--threshold',
    '3',
    '-o',
    bundle,
  ];
  const built = JSON.parse(
    (await good(...build, '--json', '--board', 'raspberry-pi-5', '--runtime', '>=0.1')).stdout,
  );
  assert.equal(
    built.files.map(({ path }: { path: string }) => path),
    ['manifest.json', 'score.onnx', 'selftest.vec'],
  );
  assert.is((await ota(...build)).code, 1, 'the folder is there');
  const inspected = await good('bundle', 'inspect', bundle);
  assert.match(
    inspected.stdout,
    /pump 1 \(version 1\.0\.1\)[\s\S]*boards raspberry-pi-5[\s\S]*trial: 3 attempts/,
  );
  assert.match((await good('bundle', 'verify', bundle, '--run')).stdout, /answers as the golden vectors say/);

  await good('repo', 'add', repo, bundle);
  await good('repo', 'sign', repo, '--key', at('keys', 'release.key'), ...pass);
  await good('repo', 'publish', repo, ...every);
  const status = JSON.parse((await good('repo', 'status', repo, '--json')).stdout);
  assert.equal(status.bundles, [{ name: 'pump', release: 1, digest: built.digest }]);
  assert.match((await good('repo', 'status', repo)).stdout, /root +1 .*364 days.*2 of /);
  await good('rollout', 'start', repo, 'pump/1', '--group', 'pumps', ...every);
  assert.match((await good('rollout', 'status', repo)).stdout, /pumps\.pump\.1 {2}done/);
  assert.match((await good('repo', 'status', repo)).stdout, /group pumps: pump 1 on 100 %/);
  const verified = JSON.parse((await good('repo', 'verify', repo, '--json')).stdout);
  assert.equal(
    [verified.bundles, verified.groups],
    [[{ name: 'pump', release: 1, version: '1.0.1' }], ['pumps']],
  );
});

test('the next release: a delta, a stick, and back by abort', async () => {
  const repo = at('fleet');
  writeFileSync(at('score.onnx'), scoreModel(1.01, 40_000));
  const build = ['bundle', 'build', at('score.onnx'), '--name', 'pump', '--release', '2', '--threshold', '3'];
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  writeFileSync(at('signer.pem'), publicKey.export({ type: 'spki', format: 'pem' }));
  const files = { 'score.onnx': readFileSync(at('score.onnx')) };
  writeFileSync(at('model.sig'), modelSignature({ privateKey, files }));
  const built = await good(
    ...build,
    '-o',
    at('pump-2'),
    '--delta-from',
    at('pump-1'),
    '--provenance',
    at('model.sig'),
    '--provenance-key',
    at('signer.pem'),
    '--json',
  );
  assert.ok(JSON.parse(built.stdout).files.some(({ path }: { path: string }) => path === 'model.sig'));
  const verified = await good('bundle', 'verify', at('pump-2'), '--provenance-key', at('signer.pem'));
  assert.match(
    verified.stdout,
    /provenance: model 'pump-model', score\.onnx as signed \(signature verified\)/,
  );
  const inspected = await good('bundle', 'inspect', at('pump-2'));
  assert.match(inspected.stdout, /provenance: .* \(signature not checked, since no key was given\)/);
  const unsigned = await ota('bundle', 'verify', at('pump-1'), '--provenance-key', at('signer.pem'));
  assert.is(unsigned.code, 1);
  writeFileSync(at('model.sig'), modelSignature({ privateKey, files: { 'score.onnx': Buffer.from('x') } }));
  const other = await ota(...build, '-o', at('pump-other'), '--provenance', at('model.sig'));
  assert.is(other.code, 23);
  assert.match(other.stderr, /score\.onnx is not the file that was signed/);
  await good('repo', 'add', repo, at('pump-2'));
  const again = await ota(
    'bundle',
    'build',
    at('score.onnx'),
    '--name',
    'pump',
    '--release',
    '1',
    '--threshold',
    '4',
    '-o',
    at('pump-old'),
  );
  assert.is(again.code, 0);
  const lower = await ota('repo', 'add', repo, at('pump-old'), '--json');
  assert.is(lower.code, 22);
  assert.is(JSON.parse(lower.stdout).error.code, 'ota-rollback');
  await good('repo', 'sign', repo, '--key', at('keys', 'release.key'), ...pass);
  await good('rollout', 'start', repo, 'pump/2', '--group', 'pumps', ...every);
  cpSync(at('fleet', 'public'), at('stick'), { recursive: true });
  await good('repo', 'verify', at('stick'), '--root', at('fleet', 'public', 'metadata', '1.root.json'));
  const aborted = await good(
    'rollout',
    'abort',
    repo,
    'pumps.pump.2',
    ...every,
    '--reason',
    'too slow',
    '--json',
  );
  assert.equal(
    [JSON.parse(aborted.stdout).state, JSON.parse(aborted.stdout).reason],
    ['aborted', 'too slow'],
  );
  assert.match((await good('repo', 'status', repo)).stdout, /group pumps: nothing; 1 blocked/);
});

test('a configuration goes to a group once it is one that nodes take', async () => {
  const repo = at('fleet');
  writeFileSync(at('vigie.yaml'), 'node: { site: plant, name: any }\nspeed: 3\n');
  const bad = await ota('rollout', 'configure', repo, at('vigie.yaml'), '--group', 'pumps', ...every);
  assert.is(bad.code, 1);
  assert.match(bad.stderr, /vigie\.yaml:2:1: speed/);
  writeFileSync(at('vigie.yaml'), 'node: { site: plant, name: any }\n');
  const sent = await good(
    'rollout',
    'configure',
    repo,
    at('vigie.yaml'),
    '--group',
    'pumps',
    ...every,
    '--json',
  );
  const { configuration } = JSON.parse(sent.stdout);
  assert.equal(
    readFileSync(at('fleet', 'public', 'blobs', configuration.sha256)),
    readFileSync(at('vigie.yaml')),
  );
  await good('repo', 'verify', repo);
  await good('rollout', 'configure', repo, '--none', '--group', 'pumps', ...every);
});

test('a tampered stick: 23 for content, 20 for another root', async () => {
  const blobs = at('stick', 'blobs');
  const [largest] = readdirSync(blobs).sort(
    (one, other) => readFileSync(join(blobs, other)).length - readFileSync(join(blobs, one)).length,
  );
  const bytes = readFileSync(join(blobs, largest!));
  writeFileSync(join(blobs, largest!), bytes.subarray(1));
  const tampered = await ota('repo', 'verify', at('stick'));
  assert.is(tampered.code, 23);
  assert.match(tampered.stderr, new RegExp(largest!));
  await good('repo', 'init', at('foreign'), '--keys', at('keys'));
  const { root } = testKeys();
  await writeKeys(at('other-keys'), testKeys());
  assert.is(root.length, 3);
  await good('repo', 'init', at('theirs'), '--keys', at('other-keys'));
  await good('repo', 'sign', at('theirs'), '--key', at('other-keys'), ...pass);
  await good('repo', 'publish', at('theirs'), '--key', at('other-keys'), ...pass);
  const root1 = join('public', 'metadata', '1.root.json');
  const other = await ota('repo', 'verify', at('fleet'), '--root', at('theirs', root1));
  assert.is(other.code, 20);
});

test('a rotation signed elsewhere: export, sign, import, publish', async () => {
  const repo = at('fleet');
  await writeKeys(at('new-keys'), testKeys());
  const [old] = keys.snapshot;
  await good(
    'repo',
    'rotate',
    repo,
    'snapshot',
    '--remove',
    old!.keyId.slice(0, 10),
    '--add',
    at('new-keys', 'snapshot.pub'),
  );
  await good('repo', 'export', repo, '-o', at('request.json'));
  const wrong = await ota('repo', 'sign', at('request.json'), '--key', at('keys', 'targets-1.key'), ...pass);
  assert.is(wrong.code, 20);
  await good('repo', 'sign', at('request.json'), '--key', at('keys', 'root-1.key'), ...pass);
  const half = await good('repo', 'import', repo, at('request.json'));
  assert.match(half.stdout, /1 of 2 by root 1, 1 of 2 +needs more/);
  await good(
    'repo',
    'sign',
    at('request.json'),
    '--key',
    at('keys', 'root-3.key'),
    ...pass,
    '-o',
    at('signed.json'),
  );
  assert.match((await good('repo', 'import', repo, at('signed.json'))).stdout, /ready to publish/);
  const stale = await ota('repo', 'publish', repo, ...every);
  assert.is(stale.code, 20, 'the old key of snapshot');
  await good('repo', 'publish', repo, '--key', at('keys'), '--key', at('new-keys', 'snapshot.key'), ...pass);
  assert.is(JSON.parse((await good('repo', 'verify', repo, '--json')).stdout).versions.root, 2);
});

test('wrong passphrases and missing keys end with 20, and change nothing', async () => {
  const repo = at('fleet');
  const before = readFileSync(at('fleet', 'public', 'metadata', 'timestamp.json'));
  for (const args of [
    ['--key', at('keys'), '--passphrase-file', at('wrong')],
    ['--key', at('keys', 'root-1.key'), ...pass],
    ['--key', at('keys', 'absent.key'), ...pass],
    ['--key', at('passphrase'), ...pass],
  ])
    assert.is((await ota('repo', 'publish', repo, ...args)).code, 20, args.join(' '));
  assert.is((await ota('repo', 'publish', repo)).code, 2);
  assert.equal(readFileSync(at('fleet', 'public', 'metadata', 'timestamp.json')), before);
});

test('init refuses what would not hold: too few keys, one key for two roles, a repository that is there', async () => {
  assert.is((await ota('repo', 'init', at('fleet'), '--keys', at('keys'))).code, 1);
  const few = await ota('repo', 'init', at('few'), '--keys', at('keys'), '--threshold', 'root=4');
  assert.is(few.code, 20);
  const none = await ota('repo', 'init', at('few'), '--root', at('keys', 'root-1.pub'));
  assert.match(none.stderr, /no public key for the role targets/);
  const twice = await ota(
    'repo',
    'init',
    at('few'),
    '--keys',
    at('keys'),
    '--deploy',
    at('keys', 'root-1.pub'),
  );
  assert.match(twice.stderr, /given to root and deploy/);
  assert.is(
    (await ota('repo', 'init', at('few'), '--keys', at('keys'), '--expires', 'timestamp=soon')).code,
    2,
  );
  assert.not.ok(existsSync(at('few')));
});

test('a model that is none, or lacks words, is refused before anything is written', async () => {
  const out = ['-o', at('never')];
  assert.is((await ota('bundle', 'build', at('score.onnx'), ...out)).code, 2);
  assert.is((await ota('bundle', 'build', at('score.onnx'), '--release', '0', ...out)).code, 2);
  assert.is((await ota('bundle', 'build', at('score.onnx'), '--release', '1', ...out)).code, 2);
  const named = ['--name', 'x', '--threshold', '1', '--release', '1', ...out];
  assert.is((await ota('bundle', 'build', at('score.onnx'), ...named, '--task', 'magic')).code, 2);
  assert.is((await ota('bundle', 'build', at('score.onnx'), ...named, '--model-output', 'absent')).code, 1);
  assert.is((await ota('bundle', 'build', at('nan.onnx'), ...named)).code, 40);
  assert.is((await ota('bundle', 'build', at('passphrase'), ...named)).code, 2);
  assert.not.ok(existsSync(at('never')));
});

test('help for every group and action; what is mistyped is guessed', async () => {
  for (const group of ['key', 'repo', 'bundle', 'rollout', 'fleet']) {
    const { code, stdout } = await ota(group, '--help');
    assert.is(code, 0);
    assert.match(stdout, /Exit status: 0 done/);
    for (const [, action] of stdout.matchAll(/^ {2}([a-z]+) {2,}\S/gm)) {
      const page = await ota(group, action!, '--help');
      if (page.stdout !== stdout)
        assert.match(page.stdout, new RegExp(`^Usage: vigie ota ${group} ${action}`), action);
    }
  }
  const typo = await ota('bundel', 'build');
  assert.equal([typo.code, /did you mean 'bundle'/.test(typo.stderr)], [2, true]);
  assert.match((await ota('repo', 'signn')).stderr, /did you mean 'sign'/);
  assert.is((await ota()).code, 2);
  assert.is((await ota('--verbose')).code, 2);
});

test.run();
