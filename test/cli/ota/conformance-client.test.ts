/** The three commands that the TUF conformance suite calls, against a repository behind HTTP. */

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { vigieHere } from '../../support/cli.ts';
import { sha256, signer, TufRepository } from '../../support/tuf-repository.ts';

interface Context {
  folder: string;
  repository: TufRepository;
  /** Paths that were asked for, as they stood in the requests. */
  asked: string[];
  url: string;
  close: () => void;
  client: (...args: string[]) => Promise<{ code: number | null; stderr: string }>;
}

const commands = suite<Context>();

commands.before.each(async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'vigie-tuf-'));
  const repository = new TufRepository();
  // The commands go by the machine's clock.
  for (const says of Object.values(repository.says)) says.expires = '2099-01-01T00:00:00Z';
  repository.publishRoot();
  repository.publish();
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url!);
    const bytes = repository.served.get(
      decodeURIComponent(request.url!.replace(/^\/(metadata|targets)\//, '')),
    );
    response.writeHead(bytes ? 200 : 404).end(bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const metadata = join(folder, 'metadata');
  const client = (...args: string[]) =>
    vigieHere(['ota', 'conformance-client', '--metadata-dir', metadata, ...args]);
  Object.assign(context, { folder, repository, asked, url, client });
  context.close = () => {
    server.closeAllConnections();
    server.close();
  };
  writeFileSync(join(folder, 'root'), repository.factoryRoot);
});

commands.after.each(({ folder, close }) => {
  close();
  rmSync(folder, { recursive: true });
});

commands('init takes the root, refresh brings the rest, download brings a target once', async (context) => {
  const { folder, repository, asked, url, client } = context;
  const content = 'content';
  repository.addTarget('dir/a file', content);
  repository.publish();
  repository.served.set(`dir/${sha256(Buffer.from(content))}.a file`, Buffer.from(content));

  assert.is((await client('init', join(folder, 'root'))).code, 0);
  assert.equal(asked, []);
  assert.is((await client('--metadata-url', `${url}/metadata`, 'refresh')).code, 0);
  const files = readdirSync(join(folder, 'metadata')).filter((name) => name.endsWith('.json'));
  assert.equal(files.sort(), ['root.json', 'snapshot.json', 'targets.json', 'timestamp.json']);
  assert.equal(asked.splice(0).slice(-1), ['/metadata/3.targets.json']);

  const targets = join(folder, 'targets');
  mkdirSync(targets);
  const download = () =>
    client(
      '--metadata-url',
      `${url}/metadata`,
      '--target-name',
      'dir/a file',
      '--target-base-url',
      `${url}/targets/`,
      '--target-dir',
      targets,
      'download',
    );
  assert.is((await download()).code, 0);
  assert.equal(readdirSync(targets), ['dir%2Fa%20file']);
  assert.is(readFileSync(join(targets, 'dir%2Fa%20file'), 'utf8'), content);
  assert.match(asked.splice(0).at(-1)!, /^\/targets\/dir\/[0-9a-f]{64}\.a%20file$/);
  assert.is((await download()).code, 0);
  assert.not(
    asked.some((path) => path.startsWith('/targets/')),
    'what is there is not fetched again',
  );

  repository.served.set(`dir/${sha256(Buffer.from(content))}.a file`, Buffer.from('CONTENT'));
  rmSync(join(targets, 'dir%2Fa%20file'));
  assert.is((await download()).code, 1);
  assert.equal(readdirSync(targets), []);
});

commands('what is refused ends with 1 and says why', async ({ folder, repository, url, client }) => {
  await client('init', join(folder, 'root'));
  repository.signers.timestamp = [signer('mallory')];
  repository.publish();
  const { code, stderr } = await client('--metadata-url', `${url}/metadata/`, 'refresh');
  assert.is(code, 1);
  assert.match(stderr, /timestamp\.json is signed by 0 of the keys/);
});

commands('a target that nobody lists ends with 1', async ({ folder, url, client }) => {
  await client('init', join(folder, 'root'));
  const { code, stderr } = await client(
    '--metadata-url',
    url,
    '--target-name',
    'x',
    '--target-base-url',
    url,
    '--target-dir',
    folder,
    'download',
  );
  assert.is(code, 1);
  assert.match(stderr, /the repository does not have timestamp.json|lists it/);
});

commands(
  'init refuses a root that its own keys did not sign, and nothing is there afterwards',
  async (context) => {
    const { folder, repository, url, client } = context;
    writeFileSync(
      join(folder, 'root'),
      Buffer.from(repository.factoryRoot)
        .toString()
        .replace(/"sig":"../g, '"sig":"00'),
    );
    assert.is((await client('init', join(folder, 'root'))).code, 1);
    assert.is((await client('--metadata-url', url, 'refresh')).code, 1);
    assert.equal(context.asked, []);
  },
);

commands('a command line that lacks something ends with 2', async ({ folder, client }) => {
  for (const args of [
    [],
    ['init'],
    ['refresh'],
    ['any'],
    ['--metadata-url', 'http://127.0.0.1:1', 'download', '--any'],
  ])
    assert.is((await client(...args)).code, 2, args.join(' '));
  assert.is((await vigieHere(['ota', 'conformance-client', 'init', folder])).code, 2);
});

commands.run();
