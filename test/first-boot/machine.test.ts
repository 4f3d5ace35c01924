import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseMachine } from '../../runtime/first-boot/machine/read.ts';
import { renderMachine } from '../../runtime/first-boot/machine/render.ts';

function files(text: string): Record<string, string | undefined> {
  const { config, problems } = parseMachine(text);
  assert.equal(problems, []);
  return Object.fromEntries(renderMachine(config!).map(({ path, bytes }) => [path, bytes && `${bytes}`]));
}

const problems = (text: string) =>
  parseMachine(text).problems.map(({ line, column, message }) => `${line}:${column} ${message}`);

test('a fixed address, a name, a time zone and time servers', () => {
  const made = files(`hostname: pumps-north
timezone: Europe/Zurich
ntp: [192.168.1.1, ntp.example]
ethernet: { address: 192.168.1.20/24, gateway: 192.168.1.1, dns: [192.168.1.1] }
`);
  assert.is(made['etc/hostname'], 'pumps-north\n');
  assert.is(made['etc/timezone'], 'Europe/Zurich\n');
  assert.is(made['etc/systemd/timesyncd.conf.d/20-vigie.conf'], '[Time]\nNTP=192.168.1.1 ntp.example\n');
  const network = made['etc/systemd/network/20-vigie-ethernet.network']!;
  for (const line of [
    'Type=ether',
    'DHCP=no',
    'Address=192.168.1.20/24',
    'DNS=192.168.1.1',
    'Gateway=192.168.1.1',
  ])
    assert.ok(network.split('\n').includes(line), line);
  // What the file does not say goes back to what the image does.
  for (const path of ['etc/systemd/network/25-vigie-wifi.network', 'etc/wpa_supplicant/vigie.conf']) {
    assert.ok(path in made);
    assert.is(made[path], undefined);
  }
});

test('a wireless network, whatever signs its name and password have', () => {
  const made = files(`wifi: { ssid: 'Café "1"', password: 'a"b\\c #$d''e', country: CH, hidden: true }`);
  const wpa = made['etc/wpa_supplicant/vigie.conf']!;
  assert.ok(wpa.includes(`ssid=${Buffer.from('Café "1"').toString('hex')}\n`));
  assert.ok(wpa.includes(`  psk="a"b\\c #$d'e"\n`));
  assert.ok(wpa.includes('scan_ssid=1'));
  assert.ok(made['etc/systemd/network/25-vigie-wifi.network']!.includes('Type=wlan\n'));
  assert.match(files('wifi: { ssid: open, country: DE }')['etc/wpa_supplicant/vigie.conf']!, /key_mgmt=NONE/);
});

test('each mistake at its place, with what was expected', () => {
  assert.match(problems('')[0]!, /^1:1 the file is empty/);
  assert.match(problems('ethernet: { adress: 1.2.3.4/24 }')[0]!, /^1:13 unknown key; did you mean 'address'/);
  assert.match(
    problems('ethernet: { address: 192.168.1.20 }')[0]!,
    /^1:22 expected an address with the length/,
  );
  assert.match(problems('ethernet: { address: 192.168.1.300/24 }')[0]!, /expected an address/);
  assert.match(problems('ethernet: { dhcp: false }')[0]!, /^1:19 without DHCP the node needs an address/);
  assert.match(problems('ethernet: { gateway: 10.0.0.1 }')[0]!, /a gateway goes with a fixed address/);
  assert.match(
    problems('ethernet: { address: 192.168.1.20/24, gateway: 192.168.2.1 }')[0]!,
    /^1:48 is not in the network of 192.168.1.20\/24/,
  );
  assert.equal(problems('ethernet: { address: "fd00::20/64", gateway: "fe80::1", dns: ["fd00::1"] }'), []);
  assert.match(problems('hostname: -x')[0]!, /letters, digits and '-'/);
  assert.match(problems('timezone: Europe/Atlantis')[0]!, /^1:11 expected a name such as Europe\/Zurich/);
  assert.match(problems('timezone: ../../etc/passwd')[0]!, /expected a name/);
  assert.match(problems('wifi: { ssid: a, password: short, country: CH }')[0]!, /8 to 63/);
  assert.match(problems('wifi: { ssid: a, password: 12345678, country: CH }')[0]!, /expected string/);
  assert.match(problems('wifi: { ssid: a }')[0]!, /is missing. Country/);
  assert.match(
    problems("wifi: { ssid: a, password: 'two\\nlines 12', country: ch }").join(),
    /two capital letters/,
  );
  assert.match(problems('wifi: { ssid: a, password: "two\\nlines 12", country: CH }').join(), /8 to 63/);
  assert.match(problems('a: [')[0]!, /^1:/);
});

test.run();
