/**
 * The first start of a card without configuration, in a virtual machine: the page with its code, SSH by key alone, then a
 * card that is damaged. `bin/node image-build/test/set-up.ts TARGET`; needs QEMU, mtools, ssh and an image in build/images.
 */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { packageRoot } from '../../runtime/core/paths.ts';
import { waitFor } from '../../test/support/wait.ts';
import { Guest, MACHINES, PARTITIONS } from './guest.ts';
import { expect } from './steps/context.ts';

/** On a machine that does much else, an emulated start takes minutes. */
const PATIENCE = 600_000;
const HEADERS = { 'Content-Type': 'application/json', 'X-Vigie-Command': '1' };
const CONFIG = `node: { site: bench, name: set-up }
http: { host: 0.0.0.0, passwordFile: credential:web }
`;
const target = process.argv[2] ?? 'generic-amd64';
const arch = target === 'generic-amd64' ? 'amd64' : 'arm64';
const folder = join(packageRoot, 'build/image-test', `set-up-${target}`);

const missing = [MACHINES[arch].program, 'mcopy', 'ssh', 'ssh-keygen', 'zstd'].filter((tool) => !has(tool));
if (missing.length > 0) process.stdout.write(`skip: ${missing.join(', ')} missing\n`);
else process.exitCode = await main();

async function main(): Promise<number> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const ports = { page: await freePort(), web: await freePort(), ssh: await freePort() };
  // Without UEFI, whose files lie on the partition that is damaged at the end.
  const options = { arch, folder, image: image(), start: 'kernel' } as const;
  const guest = new Guest({ ...options, forward: { 80: ports.page, 8470: ports.web, 22: ports.ssh } });
  try {
    await firstStart(guest, ports);
    await damaged(guest, ports);
    process.stdout.write('2 passed, 0 failed\n');
    return 0;
  } catch (error) {
    process.stdout.write(`FAILED: ${(error as Error).message}\nconsoles: ${folder}\n1 failed\n`);
    return 1;
  } finally {
    await guest.stop();
  }
}

type Ports = Readonly<Record<'page' | 'web' | 'ssh', number>>;

async function firstStart(guest: Guest, ports: Ports): Promise<void> {
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'key')]);
  guest.drop('authorized_keys.txt', readFileSync(join(folder, 'key.pub'), 'utf8').replace('\n', '\r\n'));
  guest.drop('network.yaml', '\uFEFFhostname: pumps\r\ntimezone: Europe/Zurich\r\n');
  const began = performance.now();
  guest.boot();
  const url = `http://127.0.0.1:${ports.page}`;
  const facts = await waitFor('the set-up page', () => getJson(`${url}/api/setup`), PATIENCE);
  note(`the set-up page answers ${seconds(began)} s after power`);
  expect(facts.hostname === 'pumps', `the page says the node is ${facts.hostname}`);
  const code = await guest.run('cat /etc/vigie/setup-code');
  expect(guest.console.includes(code), 'the code is not on the console');
  const card = await guest.run('cat /boot/vigie/vigie-setup-code.txt; ls /boot/vigie');
  expect(card.includes(code), 'the code is not on the card');
  expect(!/authorized_keys|network\.yaml/.test(card), `what was taken over is still on the card: ${card}`);
  expect((await guest.run('systemctl is-active vigie.service || true')) === 'inactive', 'vigie.service runs');
  const cookie = await enter(url, code);
  expect((await enter(url, code)) === '', 'the code works twice');
  const brought = [{ kind: 'secrets', name: 'web', base64: Buffer.from('geheim').toString('base64') }];
  const saved = await post(url, 'save', { text: CONFIG, brought }, cookie);
  expect(saved.status === 200, `saving answers ${saved.status}: ${await saved.text()}`);
  const page = await waitFor('the dashboard', () => dashboard(ports.web), PATIENCE);
  expect(page.components['first-boot']?.state === 'ok', `first-boot: ${JSON.stringify(page.components)}`);
  await guest.run(
    'until systemctl is-active -q vigie.service; do sleep 1; done; ! systemctl is-active -q vigie-setup.service',
    120_000,
  );
  await guest.run('! ls /etc/vigie/setup-code /boot/vigie/vigie-setup-code.txt /run/vigie-setup 2>/dev/null');
  expect((await guest.run('systemctl --failed --no-legend --plain')) === '', 'units failed');
  note(`saved by the page, the node runs ${seconds(began)} s after power; its secret arrived`);
  const shell = [
    '-p',
    String(ports.ssh),
    '-i',
    join(folder, 'key'),
    '-o',
    'StrictHostKeyChecking=no',
    '-o',
    'BatchMode=yes',
  ];
  const quiet = ['-o', `UserKnownHostsFile=${join(folder, 'known')}`, '-o', 'LogLevel=ERROR'];
  const said = execFileSync('ssh', [...shell, ...quiet, 'root@127.0.0.1', 'hostname; date +%Z'], {
    encoding: 'utf8',
  });
  expect(/^pumps\nCES?T$/.test(said.trim()), `by SSH the node says: ${said}`);
  note(
    `SSH lets the key in; ${await guest.run('systemd-analyze blame | grep -E "vigie|ssh" | head -n 6 | paste -sd,', PATIENCE)}`,
  );
}

async function damaged(guest: Guest, ports: Ports): Promise<void> {
  await guest.powerOff();
  const size = ['bs=1M', 'count=8', `seek=${PARTITIONS.bootconfig}`, 'conv=notrunc', 'status=none'];
  execFileSync('dd', ['if=/dev/urandom', `of=${guest.disk}`, ...size]);
  const began = performance.now();
  guest.boot();
  const page = await waitFor('the dashboard', () => dashboard(ports.web), PATIENCE);
  const { state, detail } = page.components['first-boot'] ?? { state: 'not there', detail: '' };
  expect(state === 'degraded' && detail.includes('boot partition'), `first-boot: ${state}: ${detail}`);
  expect(guest.console.includes('boot partition'), 'the console does not say it');
  note(
    `damaged boot partition: the node runs ${seconds(began)} s after power, and says: ${detail.slice(0, 90)}…`,
  );
}

async function enter(url: string, code: string): Promise<string> {
  const answer = await post(url, 'enter', { code });
  return answer.headers.get('set-cookie')?.split(';')[0] ?? '';
}

function post(url: string, what: string, body: unknown, cookie = ''): Promise<Response> {
  const headers = { ...HEADERS, ...(cookie ? { cookie } : {}) };
  return fetch(`${url}/api/setup/${what}`, { method: 'POST', headers, body: JSON.stringify(body) });
}

function dashboard(port: number) {
  const authorization = `Basic ${Buffer.from('vigie:geheim').toString('base64')}`;
  return getJson(`http://127.0.0.1:${port}/api/status`, { authorization });
}

/** Undefined until it answers with 200. */
// biome-ignore lint/suspicious/noExplicitAny: foreign JSON.
async function getJson(url: string, headers: Record<string, string> = {}): Promise<any> {
  try {
    const answer = await fetch(url, { headers, signal: AbortSignal.timeout(5000) });
    return answer.ok ? await answer.json() : undefined;
  } catch {
    // QEMU takes every connection and ends it while nobody listens inside.
    await sleep(500);
    return undefined;
  }
}

/** The newest image of the target, unpacked once. */
function image(): string {
  const list = `ls -t "${join(packageRoot, 'build/images')}"/vigie-${target}-*.img.zst`;
  const packed = execFileSync('sh', ['-c', list], { encoding: 'utf8' }).split('\n')[0]!;
  const plain = join(packageRoot, 'build/image-test', `${target}.img`);
  if (!existsSync(plain)) execFileSync('zstd', ['-q', '-d', '-f', '--sparse', packed, '-o', plain]);
  return plain;
}

function has(tool: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${tool}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

function seconds(began: number): string {
  return ((performance.now() - began) / 1000).toFixed(0);
}

function note(line: string): void {
  process.stdout.write(`  ${line}\n`);
}
