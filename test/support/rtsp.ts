/** An RTSP server for tests, in a process of its own. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** Debian's own: others have no introspection of GStreamer. */
const PYTHON = '/usr/bin/python3';
const PROBE =
  "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer";

export function hasRtspServer(): boolean {
  if (spawnSync(PYTHON, ['-c', PROBE]).status === 0) return true;
  console.log('skip: no RTSP server; apt-get install python3-gi gir1.2-gst-rtsp-server-1.0');
  return false;
}

/** Serves rtsp://127.0.0.1:PORT/gate; resolves once it listens. */
export async function startRtspServer(port: number, login: readonly string[] = []): Promise<ChildProcess> {
  const script = join(import.meta.dirname, 'rtsp-server.py');
  const server = spawn(PYTHON, [script, String(port), ...login], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(server.stdout, 'data');
  return server;
}
