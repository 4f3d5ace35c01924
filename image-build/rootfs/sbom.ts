/**
 * What an image holds, as a CycloneDX 1.6 bill of materials on standard output: Debian packages from dpkg's status, boot
 * files that were unpacked beside them, npm packages below /usr/lib/vigie.
 *
 *   bin/node image-build/rootfs/sbom.ts ROOT NAME VERSION
 *
 * Reproducible: sorted, and dated by SOURCE_DATE_EPOCH.
 */

import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Part {
  readonly type: 'library' | 'firmware' | 'operating-system';
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly 'bom-ref': string;
  readonly supplier?: { readonly name: string };
  readonly licenses?: readonly { readonly license: { readonly name: string } }[];
}

const [root, image, imageVersion] = process.argv.slice(2);
if (!root || !image || !imageVersion) {
  process.stderr.write('usage: sbom.ts ROOT NAME VERSION\n');
  process.exit(2);
}

const parts = [
  ...debian(join(root, 'var/lib/dpkg/status'), 'library'),
  ...debian(join(root, 'usr/lib/vigie-image/boot-packages'), 'firmware'),
  ...npm(join(root, 'usr/lib/vigie')),
];
if (parts.length === 0) {
  process.stderr.write(`sbom.ts: ${root} holds neither Debian nor npm packages\n`);
  process.exit(1);
}
process.stdout.write(`${JSON.stringify(document(unique(parts)), null, 1)}\n`);

/** Packages of a file of Debian control paragraphs; those that are installed, where the paragraphs say. */
function debian(file: string, type: Part['type']): Part[] {
  if (!existsSync(file)) return [];
  const found: Part[] = [];
  for (const paragraph of readFileSync(file, 'utf8').split('\n\n')) {
    const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(paragraph)?.[1];
    const [name, version, status] = [field('Package'), field('Version'), field('Status')];
    if (!name || !version || (status && !status.endsWith(' installed'))) continue;
    const supplier = field('Maintainer');
    const source = field('Source')?.split(' ')[0];
    const qualifiers = new URLSearchParams({
      ...(field('Architecture') ? { arch: field('Architecture') } : {}),
      distro: 'debian-13',
      ...(source ? { upstream: source } : {}),
    });
    const purl = `pkg:deb/debian/${name}@${encodeURIComponent(version)}?${qualifiers}`;
    found.push({
      type,
      name,
      version,
      purl,
      'bom-ref': purl,
      ...(supplier ? { supplier: { name: supplier } } : {}),
    });
  }
  return found;
}

/** Every package.json of a node_modules folder, nested ones included. */
function npm(folder: string): Part[] {
  const files = globSync('**/node_modules/{*,@*/*}/package.json', { cwd: folder });
  return files.flatMap((file): Part[] => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, file), 'utf8'));
    if (typeof name !== 'string' || typeof version !== 'string') return [];
    const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`;
    const licenses = typeof license === 'string' ? { licenses: [{ license: { name: license } }] } : {};
    return [{ type: 'library', name, version, purl, 'bom-ref': purl, ...licenses }];
  });
}

function unique(all: readonly Part[]): Part[] {
  const byPurl = new Map(all.map((part) => [part.purl, part]));
  return [...byPurl.values()].sort((a, b) => (a.purl < b.purl ? -1 : 1));
}

function document(components: readonly Part[]) {
  const serial = createHash('sha256')
    .update(JSON.stringify([image, imageVersion, components]))
    .digest('hex');
  const uuid = `${serial.slice(0, 8)}-${serial.slice(8, 12)}-4${serial.slice(13, 16)}-a${serial.slice(17, 20)}-${serial.slice(20, 32)}`;
  const seconds = Number(process.env.SOURCE_DATE_EPOCH ?? 0);
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${uuid}`,
    version: 1,
    metadata: {
      timestamp: new Date(seconds * 1000).toISOString(),
      component: { type: 'firmware', name: image, version: imageVersion, 'bom-ref': image },
    },
    components,
  };
}
