/** network.yaml as the files that systemd-networkd, timesyncd and wpa_supplicant read. Pure. */

import { DATA } from '../places.ts';
import type { Change } from '../take-over.ts';
import type { InterfaceConfig, MachineConfig, WifiConfig } from './schema.ts';

/** Each file that network.yaml decides about; what it does not say goes back to what the image does. */
export function renderMachine({ hostname, timezone, ntp, ethernet, wifi }: MachineConfig): Change[] {
  const files: readonly [string, string | undefined][] = [
    [DATA.hostname, hostname && `${hostname}\n`],
    [DATA.timezone, timezone && `${timezone}\n`],
    [DATA.timeServers, ntp && `[Time]\nNTP=${ntp.join(' ')}\n`],
    [DATA.ethernet, ethernet && networkFile('ether', ethernet, 100)],
    // The cable is preferred where both lead out.
    [DATA.wifi, wifi && networkFile('wlan', wifi, 600)],
    [DATA.wpa, wifi && wpaConfig(wifi)],
  ];
  return files.map(([path, text]) => (text === undefined ? { path } : { path, bytes: Buffer.from(text) }));
}

/** Kind=!*: physical devices alone; bridges and tunnels are somebody else's. */
function networkFile(type: 'ether' | 'wlan', config: InterfaceConfig, metric: number): string {
  const { address, gateway, dns } = config;
  const dhcp = config.dhcp ?? address === undefined;
  return [
    '[Match]',
    `Type=${type}`,
    'Kind=!*',
    '',
    '[Link]',
    'RequiredForOnline=no',
    '',
    '[Network]',
    `DHCP=${dhcp ? 'yes' : 'no'}`,
    // Without a DHCP server the node still answers, to a laptop on the same cable.
    ...(dhcp ? ['LinkLocalAddressing=yes'] : []),
    'MulticastDNS=yes',
    ...(address === undefined ? [] : [`Address=${address}`]),
    ...(dns ?? []).map((server) => `DNS=${server}`),
    ...(gateway === undefined ? [] : ['', '[Route]', `Gateway=${gateway}`, `Metric=${metric}`]),
    '',
    '[DHCPv4]',
    `RouteMetric=${metric}`,
    ...(dns ? ['UseDNS=no'] : []),
    '',
    '[IPv6AcceptRA]',
    `RouteMetric=${metric}`,
    '',
  ].join('\n');
}

/** The name in hexadecimal, and the password in quotes that wpa_supplicant looks for from the end: no sign is special. */
function wpaConfig({ ssid, password, country, hidden }: WifiConfig): string {
  const security =
    password === undefined
      ? ['  key_mgmt=NONE']
      : ['  key_mgmt=WPA-PSK WPA-PSK-SHA256 SAE', '  ieee80211w=1', `  psk="${password}"`];
  return [
    `country=${country}`,
    'network={',
    `  ssid=${Buffer.from(ssid).toString('hex')}`,
    ...(hidden ? ['  scan_ssid=1'] : []),
    ...security,
    '}',
    '',
  ].join('\n');
}
