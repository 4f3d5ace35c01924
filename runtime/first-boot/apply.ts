/** Puts what the data partition keeps into the running system: at every start, and with the same result each time. */

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describeError } from '../core/errors.ts';
import { DATA } from './places.ts';
import { takeOver } from './take-over.ts';

export interface ApplyOptions {
  readonly data: string;
  /** Of the running system; another folder for tests and for images that do not run. */
  readonly root: string;
  /** Where nobody gave one. */
  readonly hostname: string;
}

export interface Applied {
  readonly hostname: string;
  /** Of the SSH host key; undefined while SSH is off. */
  readonly sshFingerprint: string | undefined;
  readonly problems: readonly string[];
}

/** What a file of ours may be read by: services that are not root read most of them. */
const MANAGED: readonly (readonly [string, number])[] = [
  [DATA.ethernet, 0o644],
  [DATA.wifi, 0o644],
  [DATA.timeServers, 0o644],
  [DATA.wpa, 0o600],
  [DATA.sshKeys, 0o644],
  [DATA.sshHostKey, 0o600],
  [`${DATA.sshHostKey}.pub`, 0o644],
];

/** Never throws: what cannot be applied is a problem to tell, and the node goes on. */
export function apply(options: ApplyOptions): Applied {
  const problems: string[] = [];
  const attempt = <T>(what: string, act: () => T): T | undefined => {
    try {
      return act();
    } catch (error) {
      problems.push(`${what}: ${describeError(error)}`);
      return undefined;
    }
  };
  const { data, root } = options;
  attempt('the SSH host key cannot be made', () => makeHostKey(options));
  const changed = MANAGED.filter(([path, mode]) =>
    attempt(`/${path} cannot be written`, () => place(options, path, mode)),
  );
  attempt('the folders of settings cannot be opened', () => openFolders(options));
  if (root === '/' && changed.some(([path]) => path === DATA.timeServers))
    attempt('the time servers count from the next start', () =>
      systemctl('try-restart', 'systemd-timesyncd.service'),
    );
  const hostname = read(join(data, DATA.hostname))?.trim() || options.hostname;
  attempt('the host name cannot be set', () => setHostname(root, hostname));
  attempt('the time zone cannot be set', () => setTimeZone(options));
  attempt('the configuration cannot be given to the node', () => giveToNode(options));
  return { hostname, sshFingerprint: fingerprint(options), problems };
}

/**
 * A take-over makes folders for the node alone, and the next start puts them over the system's: programs that are not
 * root, such as the one that sets up the network, could not enter /etc/systemd any more.
 */
function openFolders({ data, root }: ApplyOptions): void {
  const folders = new Set<string>();
  for (const [path] of MANAGED) for (let at = dirname(path); at !== '.'; at = dirname(at)) folders.add(at);
  for (const folder of [...folders].flatMap((path) => [join(data, path), join(root, path)]))
    if (existsSync(folder)) chmodSync(folder, 0o755);
}

/** @returns whether the running system had it otherwise. */
function place({ data, root }: ApplyOptions, path: string, mode: number): boolean {
  const [kept, live] = [join(data, path), join(root, path)];
  const text = read(kept);
  if (text === undefined) {
    const was = read(live) !== undefined;
    if (was) rmSync(live);
    return was;
  }
  chmodSync(kept, mode);
  if (read(live) === text && (statSync(live).mode & 0o777) === mode) return false;
  mkdirSync(dirname(live), { recursive: true });
  writeFileSync(live, text, { mode });
  chmodSync(live, mode);
  return true;
}

/** Only where somebody may come in by SSH: until then there is no key that could leak. */
function makeHostKey({ data, hostname }: ApplyOptions): void {
  if (read(join(data, DATA.sshKeys)) === undefined || read(join(data, DATA.sshHostKey)) !== undefined) return;
  const scratch = mkdtempSync(join(tmpdir(), 'vigie-key-'));
  try {
    const file = join(scratch, 'key');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', hostname, '-f', file], {
      stdio: 'pipe',
    });
    takeOver(data, [
      { path: DATA.sshHostKey, bytes: readFileSync(file) },
      { path: `${DATA.sshHostKey}.pub`, bytes: readFileSync(`${file}.pub`) },
    ]);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function fingerprint({ data }: ApplyOptions): string | undefined {
  const key = read(join(data, DATA.sshKeys)) && read(join(data, `${DATA.sshHostKey}.pub`));
  const blob = key?.split(' ')[1];
  if (!blob) return undefined;
  return `SHA256:${createHash('sha256').update(Buffer.from(blob, 'base64')).digest('base64').replace(/=+$/, '')}`;
}

function setHostname(root: string, hostname: string): void {
  writeIfOther(join(root, 'etc/hostname'), `${hostname}\n`);
  if (root === '/') writeIfOther('/proc/sys/kernel/hostname', `${hostname}\n`);
}

function setTimeZone({ data, root }: ApplyOptions): void {
  const zone = read(join(data, DATA.timezone))?.trim();
  if (!zone) return;
  const live = join(root, 'etc/localtime');
  const wanted = `/usr/share/zoneinfo/${zone}`;
  statSync(join(root, wanted));
  rmSync(live, { force: true });
  symlinkSync(wanted, live);
  writeIfOther(join(root, DATA.timezone), `${zone}\n`);
}

/** The node writes its configuration (zone editor); what lies beside it, it reads. */
function giveToNode({ data, root }: ApplyOptions): void {
  const owner = nodeUser(root);
  const folder = join(data, DATA.configDirectory);
  if (!owner || !isFolder(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const own = entry.name === 'vigie.yaml' || entry.name === 'setup-code';
    chmodSync(join(folder, entry.name), 0o640);
    lchownSync(join(folder, entry.name), own ? owner.uid : 0, owner.gid);
  }
}

function nodeUser(root: string): { uid: number; gid: number } | undefined {
  const match = /^vigie:[^:]*:(\d+):(\d+):/m.exec(read(join(root, 'etc/passwd')) ?? '');
  return match ? { uid: Number(match[1]), gid: Number(match[2]) } : undefined;
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function writeIfOther(path: string, text: string): void {
  if (read(path) === text) return;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

function systemctl(...args: string[]): void {
  execFileSync('systemctl', ['--no-block', ...args], { stdio: 'pipe' });
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
