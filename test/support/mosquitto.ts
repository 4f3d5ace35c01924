/**
 * A real mosquitto on a free loopback port, for tests and benchmarks. Its files lie in a folder of their own that
 * `stop()` removes; it is a child process that `stop()` ends.
 */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface MosquittoOptions {
  /** User name to password; anonymous clients are let in when absent. */
  passwords?: Readonly<Record<string, string>>;
  /** Lines of the access control file, such as `user anna`, `topic readwrite vigie/#`. */
  acl?: readonly string[];
  /** PEM files; with `ca` clients must show a certificate that it signed. */
  tls?: { readonly cert: string; readonly key: string; readonly ca?: string };
  /** Keep sessions and retained messages over a restart. */
  persistent?: boolean;
  /** More lines of mosquitto.conf. */
  extra?: readonly string[];
}

export interface Mosquitto {
  readonly port: number;
  /** `mqtt://127.0.0.1:PORT`, or `mqtts://localhost:PORT` with TLS. */
  readonly url: string;
  /** What mosquitto wrote to standard error so far. */
  output(): string;
  /** Ends the broker (SIGKILL unless graceful); clients see a closed connection, then a refused one. */
  halt(graceful?: boolean): Promise<void>;
  /** Starts it again on the same port. */
  resume(): Promise<void>;
  /** Rewrites the password file and makes a running broker read it. */
  setPasswords(passwords: Readonly<Record<string, string>>): void;
  /** Rewrites the access control file and makes a running broker read it. */
  setAcl(lines: readonly string[]): void;
  /** Ends it and removes its folder. Idempotent. */
  stop(): Promise<void>;
}

const READY_MS = 20_000;
const PROGRAM = existsSync('/usr/sbin/mosquitto') ? '/usr/sbin/mosquitto' : 'mosquitto';

export async function startMosquitto(options: MosquittoOptions = {}): Promise<Mosquitto> {
  const dir = mkdtempSync(join(tmpdir(), 'mosquitto-'));
  const files = { config: join(dir, 'conf'), passwords: join(dir, 'passwords'), acl: join(dir, 'acl') };
  if (options.passwords) writePasswords(files.passwords, options.passwords);
  if (options.acl) writeAcl(files.acl, options.acl);
  let output = '';
  let child: ChildProcess | undefined;
  let port = 0;

  const abandon = () => child?.kill('SIGKILL');
  process.once('exit', abandon);

  const launch = async (): Promise<boolean> => {
    writeFileSync(files.config, configuration(options, port, dir, files));
    const started = spawn(PROGRAM, ['-c', files.config], { stdio: ['ignore', 'ignore', 'pipe'] });
    child = started;
    // A failed test that forgets its broker must still be able to end, and takes the broker along.
    started.unref();
    (started.stderr as Socket).unref();
    started.stderr?.on('data', (chunk) => {
      output += chunk;
    });
    return answers(port, started);
  };
  const halt = async (graceful = false): Promise<void> => {
    const running = child;
    child = undefined;
    if (!running || running.exitCode !== null || running.signalCode !== null) return;
    const gone = new Promise((resolve) => running.once('exit', resolve));
    running.ref();
    running.kill(graceful ? 'SIGTERM' : 'SIGKILL');
    await gone;
  };
  const reload = () => child?.kill('SIGHUP');

  // Another process may take the port between the look and the start: look again.
  for (let attempt = 0; ; attempt++) {
    port = await freePort();
    if (await launch()) break;
    await halt();
    if (attempt === 4) throw new Error(`mosquitto does not start:\n${output}`);
  }
  return {
    port,
    url: options.tls ? `mqtts://localhost:${port}` : `mqtt://127.0.0.1:${port}`,
    output: () => output,
    halt,
    resume: async () => {
      if (!(await launch())) throw new Error(`mosquitto does not start again:\n${output}`);
    },
    setPasswords(passwords) {
      writePasswords(files.passwords, passwords);
      reload();
    },
    setAcl(lines) {
      writeAcl(files.acl, lines);
      reload();
    },
    stop: async () => {
      await halt();
      process.off('exit', abandon);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** A loopback port that nobody listens on at the moment. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

function configuration(
  options: MosquittoOptions,
  port: number,
  dir: string,
  files: { passwords: string; acl: string },
): string {
  const { tls } = options;
  return [
    `listener ${port} 127.0.0.1`,
    // Started by root it would change to a user who cannot read the folder.
    process.getuid?.() === 0 ? 'user root' : '',
    `allow_anonymous ${!options.passwords}`,
    options.passwords ? `password_file ${files.passwords}` : '',
    options.acl ? `acl_file ${files.acl}` : '',
    ...(tls ? [`certfile ${tls.cert}`, `keyfile ${tls.key}`] : []),
    ...(tls?.ca ? [`cafile ${tls.ca}`, 'require_certificate true'] : []),
    ...(options.persistent ? ['persistence true', `persistence_location ${dir}/`] : ['persistence false']),
    'max_queued_messages 0',
    ...(options.extra ?? []),
    '',
  ].join('\n');
}

function writePasswords(path: string, passwords: Readonly<Record<string, string>>): void {
  writeFileSync(path, '', { mode: 0o600 });
  for (const [user, password] of Object.entries(passwords)) {
    execFileSync('mosquitto_passwd', ['-b', path, user, password], { stdio: 'ignore' });
  }
}

function writeAcl(path: string, lines: readonly string[]): void {
  writeFileSync(path, `${lines.join('\n')}\n`, { mode: 0o600 });
}

/** True once the port accepts connections; false when the child ends instead. */
async function answers(port: number, child: ChildProcess): Promise<boolean> {
  for (const end = performance.now() + READY_MS; performance.now() < end; ) {
    if (child.exitCode !== null || child.signalCode !== null) return false;
    if (await accepts(port)) return true;
    await sleep(20);
  }
  return false;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const settle = (open: boolean) => {
      socket.destroy();
      resolve(open);
    };
    socket.once('connect', () => settle(true));
    socket.once('error', () => settle(false));
  });
}
