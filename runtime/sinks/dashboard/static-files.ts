/** The page's own files: read once, at first use, and then answered from memory with an ETag. */

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { packageRoot } from '../../core/paths.ts';

const PUBLIC = join(packageRoot, 'runtime', 'sinks', 'dashboard', 'public');
/** No path separators: nothing outside the folder can be named. */
const NAME = /^\/assets\/([a-z][a-z0-9-]*\.(?:js|css|svg))$/;
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

interface StaticFile {
  readonly body: Buffer;
  readonly type: string;
  readonly etag: string;
}

/** Page by path, as its file is called. */
const PAGES = { '/': 'index.html', '/camera': 'camera.html' };

export class StaticFiles {
  readonly #files = new Map<string, Promise<StaticFile>>();
  readonly #pages: Readonly<Record<string, string>>;

  constructor(pages: Readonly<Record<string, string>> = PAGES) {
    this.#pages = pages;
  }

  /** @returns false when there is no such file. */
  async serve(path: string, request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    const source = this.#locate(path);
    if (!source) return false;
    const file = await this.#file(source);
    if (!file) return false;
    response.setHeader('ETag', file.etag);
    response.setHeader('Cache-Control', 'private, no-cache');
    if (request.headers['if-none-match'] === file.etag) {
      response.writeHead(304).end();
      return true;
    }
    response.writeHead(200, { 'Content-Type': file.type, 'Content-Length': file.body.length });
    response.end(file.body);
    return true;
  }

  #locate(path: string): string | undefined {
    if (path === '/assets/uplot.js') return join(uplotFolder(), 'uPlot.iife.min.js');
    if (path === '/assets/uplot.css') return join(uplotFolder(), 'uPlot.min.css');
    const name = Object.hasOwn(this.#pages, path) ? this.#pages[path] : NAME.exec(path)?.[1];
    return name && join(PUBLIC, name);
  }

  async #file(source: string): Promise<StaticFile | undefined> {
    let file = this.#files.get(source);
    if (!file) {
      file = read(source);
      this.#files.set(source, file);
    }
    try {
      return await file;
    } catch {
      // Not kept: names that do not exist must not fill the memory.
      this.#files.delete(source);
      return undefined;
    }
  }
}

/** Wherever npm put it: beside our package's files or, when it is itself a dependency, above. */
function uplotFolder(): string {
  return dirname(createRequire(join(packageRoot, 'package.json')).resolve('uplot'));
}

async function read(source: string): Promise<StaticFile> {
  const body = await readFile(source);
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
  return { body, type: TYPES[extname(source)]!, etag };
}
