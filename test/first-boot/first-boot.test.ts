import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { firstBoot } from '../../runtime/first-boot/first-boot.ts';
import { isSameHardware, readHardware } from '../../runtime/first-boot/hardware.ts';
import { firstBootComponent, readReport } from '../../runtime/first-boot/report.ts';
import { vigieHere } from '../support/cli.ts';

const YAML = 'node: { site: a, name: b }\n';
const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl ada@laptop';
let folder = '';
const boot = (path: string) => join(folder, 'boot', path);
const data = (path: string) => join(folder, 'data', path);
const root = (path: string) => join(folder, 'root', path);
const read = (path: string) => readFileSync(path, 'utf8');

function write(path: string, text: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

const start = (mounted = false) =>
  firstBoot({
    boot: boot(''),
    drop: undefined,
    data: join(folder, 'data'),
    root: join(folder, 'root'),
    mounted,
    version: '1.2.3',
  });

/** A Raspberry Pi, as its kernel shows it. */
function board(serial: string): void {
  write(root('proc/device-tree/serial-number'), `${serial}\0`);
}

test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), 'vigie-first-boot-'));
  mkdirSync(boot(''));
  mkdirSync(data(''));
  write(root('usr/share/zoneinfo/Europe/Zurich'), 'TZif');
  board('10000000abcdef01');
});
test.after.each(() => rmSync(folder, { recursive: true, force: true }));

test('a card with everything: taken over, in place, off the card, and nothing to say', async () => {
  write(
    boot('vigie.yaml.txt'),
    `\uFEFF${YAML}mqtt: { url: "mqtts://h", username: u, passwordFile: credential:pw }\r\n`,
  );
  write(boot('secrets/pw.txt'), 'geheim\r\n');
  write(boot('secrets/.DS_Store'), 'x');
  write(boot('files/ca.pem'), 'PEM\n');
  write(
    boot('network.yaml'),
    'hostname: pumps\ntimezone: Europe/Zurich\nethernet: { address: 10.0.0.2/24 }\n',
  );
  write(boot('authorized_keys'), `${KEY}\r\n`);
  write(boot('._vigie.yaml'), 'x');
  write(boot('autoboot.txt'), '[all]');
  const { report, took, setupCode } = await start();
  assert.equal(report.problems, []);
  assert.is(took.length, 5);
  assert.is(setupCode, undefined);
  assert.is(read(data('etc/vigie/vigie.yaml')).split('\n')[0], YAML.trim());
  assert.is(read(data('secrets/vigie/pw')), 'geheim\n');
  assert.is(read(data('etc/vigie/ca.pem')), 'PEM\n');
  assert.is(read(root('etc/hostname')), 'pumps\n');
  assert.is(readlinkSync(root('etc/localtime')), '/usr/share/zoneinfo/Europe/Zurich');
  const network = root('etc/systemd/network/20-vigie-ethernet.network');
  assert.match(read(network), /^Address=10.0.0.2\/24$/m);
  // systemd-networkd is not root.
  assert.is(lstatSync(network).mode & 0o777, 0o644);
  assert.is(read(root('etc/ssh/authorized_keys/root')), `${KEY}\n`);
  assert.is(lstatSync(root('etc/ssh/ssh_host_ed25519_key')).mode & 0o777, 0o600);
  assert.equal(readdirSync(boot('')).sort(), [
    '._vigie.yaml',
    'autoboot.txt',
    'files',
    'secrets',
    'vigie-node.txt',
  ]);
  assert.equal(readdirSync(boot('secrets')), []);
  assert.match(read(boot('vigie-node.txt')), /Node: {11}pumps\r\n.*SSH: {12}on, .*SHA256:/s);
});

test('the next start changes nothing, and writes nothing on the card', async () => {
  write(boot('vigie.yaml'), YAML);
  const first = await start();
  const before = lstatSync(boot('vigie-node.txt')).mtimeMs;
  const second = await start();
  assert.equal(second.report, first.report);
  assert.is(second.identity, 'kept');
  assert.equal(second.took, []);
  assert.is(lstatSync(boot('vigie-node.txt')).mtimeMs, before);
});

test('folders of settings, which the next start puts over /etc, can be entered by who is not root', async () => {
  write(boot('network.yaml'), 'timezone: Europe/Zurich\nethernet: { address: 10.0.0.2/24 }\n');
  write(boot('authorized_keys'), `${KEY}\r\n`);
  const before = process.umask(0o077);
  await start().finally(() => process.umask(before));
  const folders = ['etc', 'etc/systemd', 'etc/systemd/network', 'etc/ssh', 'etc/ssh/authorized_keys'];
  for (const at of folders.flatMap((path) => [data(path), root(path)]))
    assert.is(lstatSync(at).mode & 0o777, 0o755, at);
});

test('errors come back on the card, at line and column, and go when they are mended', async () => {
  write(boot('vigie.yaml'), 'node: { site: a, nme: b }\r\nmqtt: { url: "http://x" }\r\n');
  write(boot('network.yaml'), 'hostname: ok-1\n');
  const { report, setupCode } = await start();
  assert.ok(setupCode);
  const text = read(boot('vigie-error.txt'));
  assert.match(text, /^vigie\.yaml:1:18: node\.nme: unknown key; did you mean 'name'\?\r$/m);
  assert.match(text, /^vigie\.yaml:2:14: mqtt\.url: expected mqtt:/m);
  assert.ok(
    text.split('\n').every((line) => line === '' || line.endsWith('\r')),
    'CRLF throughout',
  );
  assert.ok(existsSync(boot('vigie.yaml')), 'it stays where it can be mended');
  assert.not.ok(existsSync(boot('network.yaml')), 'what is right is taken over');
  assert.is(report.node.hostname, 'ok-1');
  assert.is(firstBootComponent(report).health().state, 'degraded');
  assert.equal(readReport(root('run/vigie-first-boot/report.json')), report);
  write(boot('vigie.yaml'), YAML);
  assert.equal((await start()).report.problems, []);
  assert.not.ok(existsSync(boot('vigie-error.txt')));
  assert.not.ok(existsSync(boot('vigie-setup-code.txt')));
  assert.not.ok(existsSync(data('etc/vigie/setup-code')));
});

test('a configuration that names a secret which is not there takes nothing with it', async () => {
  write(data('etc/vigie/vigie.yaml'), YAML);
  write(boot('vigie.yaml'), `${YAML}mqtt: { url: "mqtts://h", username: u, passwordFile: credential:pw }\n`);
  write(boot('secrets/pv'), 'x');
  const { report } = await start();
  assert.match(
    report.problems[0]!,
    /^vigie\.yaml:2:\d+: mqtt\.passwordFile: there is no secret 'pw': put a file/,
  );
  assert.is(read(data('etc/vigie/vigie.yaml')), YAML);
  assert.ok(existsSync(boot('secrets/pv')));
  // The secret alone, later.
  rmSync(boot('secrets/pv'));
  write(boot('secrets/pw'), 'y');
  assert.equal((await start()).report.problems, []);
});

test('one wrong device: the node runs without it, the file stays, and later changes are not undone', async () => {
  write(boot('vigie.yaml'), `${YAML}sources: [{ type: modbus, name: plc }]\n`);
  const { report, took } = await start();
  assert.equal(took, ['vigie.yaml']);
  assert.match(report.problems[0]!, /^vigie\.yaml:2:11: sources\[0\]/);
  assert.ok(existsSync(boot('vigie.yaml')));
  write(data('etc/vigie/vigie.yaml'), `${YAML}# edited on the node\n`);
  assert.equal((await start()).took, []);
  assert.match(read(data('etc/vigie/vigie.yaml')), /edited on the node/);
});

test('each card has its own identity; another board is noticed, and the person decides', async () => {
  const one = await start();
  const id = one.report.node.id;
  assert.match(id, /^[0-9a-hjkmnp-tv-z]{16}$/);
  assert.is(one.report.node.hostname, `vigie-${id.slice(0, 6)}`);
  board('10000000abcdef02');
  const copy = await start();
  assert.is(copy.identity, 'moved');
  assert.is(copy.report.node.id, id);
  assert.match(
    copy.report.problems[0]!,
    /another board \(serial number 10000000abcdef01, .*new-identity\.txt/,
  );
  write(boot('NEW-IDENTITY.TXT'), '');
  const fresh = await start();
  assert.is(fresh.identity, 'made');
  assert.is.not(fresh.report.node.id, id);
  assert.equal(fresh.report.problems, []);
  assert.match(read(data('etc/machine-id')), /^[0-9a-f]{12}4[0-9a-f]{19}\n$/);
  assert.not.ok(existsSync(boot('NEW-IDENTITY.TXT')));
  board('10000000abcdef03');
  write(boot('keep-identity.txt'), '');
  const kept = await start();
  assert.is(kept.report.node.id, fresh.report.node.id);
  assert.equal(kept.report.problems, []);
  assert.is((await start()).identity, 'kept');
});

test('boards are known by serial number, else by any network address in common', () => {
  assert.ok(isSameHardware({ serial: 'a', macs: ['1'] }, { serial: 'a', macs: ['2'] }));
  assert.not.ok(isSameHardware({ serial: 'a', macs: ['1'] }, { serial: 'b', macs: ['1'] }));
  assert.ok(isSameHardware({ macs: ['1', '2'] }, { macs: ['2'] }));
  assert.not.ok(isSameHardware({ macs: ['1'] }, { macs: ['2'] }));
  assert.ok(isSameHardware({ macs: ['1'] }, { macs: [] }));
  for (const [name, address, assigned] of [
    ['eth0', 'dc:a6:32:00:00:01', '0'],
    ['docker0', '02:42:00:00:00:01', '3'],
    ['veth1', 'aa:00:00:00:00:01', '0'],
  ] as const) {
    write(root(`sys/class/net/${name}/address`), `${address}\n`);
    write(root(`sys/class/net/${name}/addr_assign_type`), `${assigned}\n`);
  }
  write(root('sys/class/net/eth0/device/uevent'), '');
  write(root('proc/device-tree/serial-number'), '0000000000000000\0');
  assert.equal(readHardware(root('')), { macs: ['dc:a6:32:00:00:01'] });
});

test('the set-up code is the same at every start until there is a configuration', async () => {
  const { setupCode } = await start();
  assert.match(setupCode!, /^[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}$/);
  assert.is((await start()).setupCode, setupCode);
  assert.ok(read(boot('vigie-setup-code.txt')).includes(setupCode!));
  const issue = root('run/issue.d/60-vigie.issue');
  assert.match(read(issue), new RegExp(`open http://\\\\4/ .* ${setupCode}\n`));
  assert.is(lstatSync(issue).mode & 0o777, 0o600);
  rmSync(data('etc/vigie/setup-code'));
  assert.is.not((await start()).setupCode, setupCode, 'used: another one');
});

test('what the set-up page saved goes the same way', async () => {
  await start();
  write(join(folder, 'page/vigie.yaml'), YAML);
  write(join(folder, 'page/secrets/pw'), 'x');
  const options = { boot: boot(''), data: join(folder, 'data'), root: join(folder, 'root') };
  const { report } = await firstBoot({
    ...options,
    drop: join(folder, 'page'),
    mounted: false,
    version: '1',
  });
  assert.equal(report.problems, []);
  assert.equal(report.secrets, ['pw']);
  assert.not.ok(existsSync(boot('vigie-setup-code.txt')));
  assert.not.ok(existsSync(join(folder, 'page/vigie.yaml')));
});

test('a link is no file to take over: root would read what its maker may not', async () => {
  write(join(folder, 'shadow'), 'root:secret');
  mkdirSync(boot('secrets'));
  symlinkSync(join(folder, 'shadow'), boot('secrets/pw'));
  symlinkSync(join(folder, 'shadow'), boot('vigie.yaml'));
  const { report } = await start();
  assert.ok(report.problems.includes('vigie.yaml: is no file'));
  assert.not.ok(existsSync(data('secrets/vigie/pw')));
});

test('foreign sizes and folders are refused by name', async () => {
  write(boot('network.yaml'), Buffer.alloc(65 * 1024, 'a'));
  write(boot('vigie.yaml/inside'), 'x');
  write(boot('authorized_keys'), Buffer.from([0xc3, 0x28]));
  const { report } = await start();
  assert.equal(report.problems, [
    'vigie.yaml: is no file',
    'network.yaml: has 66560 bytes; at most 65536 are read',
    'authorized_keys: is not text: save it as plain text in UTF-8 (not as a document of a word processor)',
  ]);
});

test('no boot partition, no data partition: said, and the node goes on', async () => {
  const missing = await start(true);
  assert.match(missing.report.problems[0]!, /^the boot partition is not there or is damaged/);
  assert.equal(readdirSync(boot('')), [], 'nothing is written into the empty folder');
  rmSync(boot(''), { recursive: true });
  rmSync(data(''), { recursive: true });
  // A data partition that takes nothing: here, a file is in its place.
  writeFileSync(join(folder, 'data'), '');
  write(root('run/vigie-image/data-problem'), "no partition is labelled 'data'\n");
  const { report, setupCode } = await start();
  assert.ok(report.problems.includes("no partition is labelled 'data'; nothing is kept over a restart"));
  assert.ok(report.problems.some((problem) => problem.startsWith('the boot partition is not there')));
  assert.ok(setupCode, 'the set-up page still opens');
});

test('vigie first-boot: says what it did; status 3 when a person is needed; never on an ordinary system', async () => {
  write(boot('vigie.yaml'), YAML);
  const options = ['--boot', boot(''), '--data', data(''), '--root', root('')];
  const before = process.umask(0o077);
  const good = await vigieHere(['first-boot', ...options]);
  process.umask(before);
  assert.is(lstatSync(root('run/vigie-first-boot/report.json')).mode & 0o777, 0o644, 'the node is not root');
  assert.is(lstatSync(root('run/vigie-first-boot')).mode & 0o777, 0o755);
  assert.is(good.code, 0);
  assert.match(good.stdout, /^node vigie-\w+, identity \w+ \(made now\)\ntaken over: vigie.yaml\n$/);
  write(boot('network.yaml'), 'x: 1\n');
  const bad = await vigieHere(['first-boot', ...options, '--json', '--console', join(folder, 'console')]);
  assert.is(bad.code, 3);
  assert.match(JSON.parse(bad.stdout).problems[0], /^network\.yaml:1:1: x: unknown key/);
  assert.match(read(join(folder, 'console')), /Vigie: network\.yaml:1:1/);
  const here = await vigieHere(['first-boot']);
  assert.is(here.code, 1);
  assert.match(here.stderr, /not flashed from an image/);
});

test.run();
