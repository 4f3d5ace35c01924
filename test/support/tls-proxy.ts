/** The Internet of a test: an HTTPS server for one host name, reached through a proxy, under an authority of its own. */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { join } from 'node:path';

export interface TlsProxy {
  /** Environment of a process that trusts the authority and takes the proxy. */
  readonly env: Readonly<Record<string, string>>;
  /** What the proxy was asked for: `models.test:443`. */
  readonly asked: string[];
  /** A status that the proxy answers instead of letting through. */
  refuses: number | undefined;
  close(): void;
}

/** @param folder for keys and certificates; needs openssl. */
export async function tlsProxy(folder: string, host: string, answer: RequestListener): Promise<TlsProxy> {
  const [key, certificate] = [join(folder, 'server.key'), join(folder, 'server.crt')];
  const subject = ['-subj', `/CN=${host}`, '-addext', `subjectAltName=DNS:${host}`, '-days', '2'];
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key];
  execFileSync('openssl', ['req', '-x509', ...newKey, '-out', certificate, ...subject], { stdio: 'pipe' });
  const server = createSecureServer({ key: readFileSync(key), cert: readFileSync(certificate) }, answer);
  const target = await listening(server);
  const sockets = new Set<Socket>();
  const asked: string[] = [];
  const proxy = createServer();
  proxy.on('connect', (request, socket: Socket) => {
    asked.push(request.url!);
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    if (state.refuses !== undefined) {
      socket.end(`HTTP/1.1 ${state.refuses} No\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    const upstream = connect(target, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      upstream.pipe(socket).pipe(upstream);
    });
    sockets.add(upstream);
    upstream.on('error', () => socket.destroy());
  });
  const env = {
    HTTPS_PROXY: `http://127.0.0.1:${await listening(proxy)}`,
    https_proxy: '',
    NO_PROXY: '',
    no_proxy: '',
    NODE_EXTRA_CA_CERTS: certificate,
  };
  const state: TlsProxy = {
    env: { ...env, https_proxy: env.HTTPS_PROXY },
    asked,
    refuses: undefined,
    close: () => {
      for (const socket of sockets) socket.destroy();
      proxy.close();
      server.close();
    },
  };
  return state;
}

async function listening(server: ReturnType<typeof createServer> | ReturnType<typeof createSecureServer>) {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}
