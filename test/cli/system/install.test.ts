/** `vigie system install` with real bundles, signed, and checked by the real RAUC; it writes no slot here. */

import { execFileSync } from 'node:child_process';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { writeRecord } from '../../../runtime/system/record.ts';
import { hasPrograms, SystemNode, updateFolder } from '../../support/system-node.ts';

const install = suite<{ node: SystemNode }>('install');

install.before.each((context) => {
  context.node = new SystemNode({ loader: 'grub' });
  context.node.configureRauc();
  context.node.standIns();
});
install.after.each(({ node }) => node.end());

/** What a start would try next. */
const grubState = ({ root }: SystemNode) =>
  readFileSync(join(root, 'boot/vigie/grub/grubenv'), 'latin1').match(/^[a-z]+=.*$/gm);

install('a good bundle is installed, tried, and its node told what it was before', async ({ node }) => {
  const file = node.bundle('1.3.0');
  const { code, answer } = await node.json('install', file, '--restart');
  assert.equal([code, answer], [0, { slot: 'B', version: '1.3.0', from: '1.2.0', installed: true }]);
  assert.equal(grubState(node), ['primary=A', 'trial=B', 'tries=2']);
  assert.is(node.restarts(), 'reboot\n');
  const { answer: status } = await node.json('status');
  assert.equal(status.trial, { slot: 'B', version: '1.3.0', triesLeft: 2 });
  await node.start('B', '1.3.0');
  const again = await node.json('install', file);
  assert.is(again.code, 52);
  assert.match(
    (again.answer.error as { message: string }).message,
    /system B is itself on trial: wait until/,
  );
});

install('--check looks at everything and changes nothing', async ({ node }) => {
  const { code, stdout } = await node.run('install', node.bundle('1.3.0'), '--check');
  assert.is(code, 0, stdout);
  assert.match(stdout, /can be installed as system B/);
  assert.equal(grubState(node), ['primary=A']);
});

install('an older version is refused, unless it is forced here', async ({ node }) => {
  const file = node.bundle('1.1.9');
  const { code, stderr } = await node.run('install', file);
  assert.is(code, 22);
  assert.match(stderr, /version 1\.1\.9, older than 1\.2\.0, which runs.*--force/s);
  assert.equal(grubState(node), ['primary=A']);
  assert.is((await node.run('install', file, '--force')).code, 0);
  assert.is((await node.json('status')).answer.standing, 'pending');
});

install('a bundle for another board is refused', async ({ node }) => {
  const { code, stderr } = await node.run('install', node.bundle('1.3.0', 'raspberry-pi'), '--force');
  assert.is(code, 24);
  assert.match(stderr, /is for vigie-raspberry-pi; this system is vigie-generic-amd64/);
});

install(
  'a foreign key, no signature, and a damaged file are refused, each in its words',
  async ({ node }) => {
    const foreign = join(node.folder, 'foreign-keys');
    execFileSync('sh', [join(updateFolder, 'keys.sh'), foreign], { stdio: 'pipe' });
    const theirs = await node.run('install', node.bundle('1.3.0', 'generic-amd64', foreign));
    assert.is(theirs.code, 20);
    assert.match(theirs.stderr, /not signed by a key that this system trusts.*issuer/s);

    const unsigned = join(node.folder, 'unsigned.raucb');
    execFileSync('mksquashfs', [join(node.folder, 'keys/ca.cert.pem'), unsigned, '-quiet', '-no-progress']);
    const bare = await node.run('install', unsigned);
    assert.is(bare.code, 20);
    assert.match(bare.stderr, /is no signed system bundle, or is damaged/);

    const cut = node.bundle('1.3.0');
    truncateSync(cut, readFileSync(cut).length - 1000);
    assert.is((await node.run('install', cut)).code, 20);

    const changed = node.bundle('1.3.0');
    const bytes = readFileSync(changed);
    // In the signature: what it covers is not known to be changed until it is read.
    bytes[bytes.length - 200]! ^= 1;
    writeFileSync(changed, bytes);
    assert.is((await node.run('install', changed)).code, 20);
    assert.equal(grubState(node), ['primary=A']);
  },
);

install('no file, no RAUC, no configuration of RAUC: each says what to do', async ({ node }) => {
  const missing = await node.run('install', join(node.folder, 'none.raucb'));
  assert.is(missing.code, 1);
  assert.match(missing.stderr, /cannot read the bundle .*none\.raucb: .*no such file/);
  const file = node.bundle('1.3.0');
  node.standIns({ rauc: false });
  const { code, stderr } = await node.run('install', file);
  assert.is(code, 50);
  assert.match(stderr, /the program rauc is not installed.*apt install rauc rauc-service/s);
});

install('what does not fit the slots of an older card is refused before it is written', async ({ node }) => {
  node.write('dev/disk/by-partlabel/system_b', '');
  node.write('sys/class/block/system_b/size', '100\n');
  const { code, stderr } = await node.run('install', node.bundle('1.3.0'));
  assert.is(code, 31);
  assert.match(stderr, /has 1 MB for the slot rootfs, which has room for 1 MB.*flasher/s);
});

install('an installation that fails leaves the next start as it was', async ({ node }) => {
  node.standIns({ installs: 'half' });
  const { code, stderr, stdout } = await node.run('install', node.bundle('1.3.0'));
  assert.is(code, 1);
  assert.match(stdout, /50% Copying image/);
  assert.match(stderr, /the running system is untouched.*no space left/s);
  assert.equal(grubState(node), ['primary=A', 'bad=B']);
  const back = await node.run('rollback', '--force');
  assert.is(back.code, 52, 'half of a system is not tried, whoever asks');
  assert.match(back.stderr, /holds no system that was installed whole/);
});

install('what is known of a slot is forgotten before it is written', async ({ node }) => {
  const record = join(node.root, 'var/lib/vigie-system/record.json');
  writeRecord(record, {
    schema: 'vigie.system-record/1',
    versions: { A: '1.2.0', B: '1.1.0' },
    trial: null,
    last: null,
  });
  node.standIns({ installs: 'half' });
  await node.run('install', node.bundle('1.3.0'));
  assert.is((JSON.parse(readFileSync(record, 'utf8')) as { versions: { B: null } }).versions.B, null);
});

if (hasPrograms('rauc', 'mksquashfs', 'openssl')) install.run();
else process.stdout.write('skip: RAUC is not installed (apt-get install rauc squashfs-tools)\n');
