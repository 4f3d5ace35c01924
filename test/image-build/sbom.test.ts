/** The bill of materials of a root file system: what is installed, and nothing else. */

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { packageRoot } from '../../runtime/core/paths.ts';

const root = mkdtempSync(join(tmpdir(), 'vigie-sbom-'));
test.after(() => rmSync(root, { recursive: true, force: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

function sbom() {
  const script = join(packageRoot, 'image-build/rootfs/sbom.ts');
  return spawnSync(process.execPath, [script, root, 'vigie-test-1', '1'], {
    encoding: 'utf8',
    env: { ...process.env, SOURCE_DATE_EPOCH: '1700000000' },
  });
}

test('an empty root file system is an error, not an empty list', () => {
  const { status, stderr } = sbom();
  assert.is(status, 1);
  assert.match(stderr, 'neither Debian nor npm packages');
});

test('Debian packages, unpacked firmware, npm packages by name, nested ones too', () => {
  write(
    'var/lib/dpkg/status',
    'Package: zlib1g\nStatus: install ok installed\nMaintainer: A <a@b>\nArchitecture: arm64\nSource: zlib (1:1.3)\nVersion: 1:1.3+b1\n\n' +
      'Package: gone\nStatus: deinstall ok config-files\nArchitecture: arm64\nVersion: 1\n',
  );
  write('usr/lib/vigie-image/boot-packages', 'Package: raspi-firmware\nVersion: 1.2\nArchitecture: arm64\n');
  const modules = 'usr/lib/vigie/node_modules';
  write(`${modules}/mqtt/package.json`, '{"name":"mqtt","version":"5.1.0","license":"MIT"}');
  write(`${modules}/mqtt/node_modules/@a/b/package.json`, '{"name":"@a/b","version":"2.0.0"}');
  write(`${modules}/mqtt/test/package.json`, '{"name":"no-package-of-ours","version":"1.0.0"}');
  const { status, stdout } = sbom();
  assert.is(status, 0);
  const bom = JSON.parse(stdout);
  assert.equal(
    [bom.bomFormat, bom.specVersion, bom.metadata.timestamp],
    ['CycloneDX', '1.6', '2023-11-14T22:13:20.000Z'],
  );
  assert.equal(
    bom.components.map(({ purl }: { purl: string }) => purl),
    [
      'pkg:deb/debian/raspi-firmware@1.2?arch=arm64&distro=debian-13',
      'pkg:deb/debian/zlib1g@1%3A1.3%2Bb1?arch=arm64&distro=debian-13&upstream=zlib',
      'pkg:npm/%40a/b@2.0.0',
      'pkg:npm/mqtt@5.1.0',
    ],
  );
  assert.is(sbom().stdout, stdout, 'the same root gives the same list');
});

test.run();
