/** network.yaml: the machine below the node. One schema, as for vigie.yaml. */

import { z } from 'zod';
import { described } from '../../config/schema/common.ts';

const OCTET = '(25[0-5]|2[0-4]\\d|1?\\d?\\d)';
const IPV4 = `(${OCTET}\\.){3}${OCTET}`;
const ipv4 = new RegExp(`^${IPV4}$`);

const ipAddress = z
  .string()
  .refine((text) => ipv4.test(text) || isIpv6(text), 'expected an address, such as 192.168.1.1');
const ipWithPrefix = z.string().refine((text) => {
  const [address = '', prefix = '', ...more] = text.split('/');
  if (more.length > 0 || !/^\d{1,3}$/.test(prefix)) return false;
  return (ipv4.test(address) && Number(prefix) <= 32) || (isIpv6(address) && Number(prefix) <= 128);
}, 'expected an address with the length of its network, such as 192.168.1.20/24');
const hostName = z
  .string()
  .max(63)
  .regex(
    /^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$/,
    "expected letters, digits and '-' (not at its ends), at most 63: pumps-north",
  );
const serverName = z
  .string()
  .max(253)
  .regex(/^[A-Za-z0-9:]([A-Za-z0-9.:-]*[A-Za-z0-9])?$/, 'expected a host name or an address');

const interfaceConfig = {
  dhcp: described(z.boolean().optional(), 'Ask the network for an address; true unless `address` is given.'),
  address: described(
    ipWithPrefix.optional(),
    'Fixed address with the length of its network: 192.168.1.20/24.',
  ),
  gateway: described(ipAddress.optional(), 'Way out of the network.'),
  dns: described(z.array(ipAddress).max(4).optional(), 'Name servers; those of DHCP when absent.'),
};

export const wiredConfig = z.strictObject(interfaceConfig);
export const wifiConfig = z.strictObject({
  ...interfaceConfig,
  ssid: described(
    z
      .string()
      .min(1)
      .refine((text) => Buffer.byteLength(text) <= 32, 'expected at most 32 bytes'),
    'Name of the wireless network.',
  ),
  password: described(
    z
      .string()
      .regex(
        /^[\x20-\x7e]{8,63}$/,
        'expected 8 to 63 letters, digits and signs of ASCII; quote it if it is a number',
      )
      .optional(),
    'Password (WPA2 or WPA3 personal); absent for an open network.',
  ),
  country: described(
    z.string().regex(/^[A-Z]{2}$/, 'expected two capital letters: CH, DE, US'),
    'Country in which the node stands: which channels it may use.',
  ),
  hidden: described(z.boolean().default(false), 'The network does not announce its name.'),
});

export const machineConfig = z.strictObject({
  hostname: described(
    hostName.optional(),
    'Name of the machine; `vigie-` and the start of its identity when absent.',
  ),
  timezone: described(
    z.string().refine(isTimeZone, 'expected a name such as Europe/Zurich or Etc/UTC').optional(),
    'Time zone of the machine (logs, camera schedules); UTC when absent.',
  ),
  ntp: described(z.array(serverName).min(1).max(8).optional(), "Time servers; Debian's when absent."),
  ethernet: described(wiredConfig.optional(), 'Wired network; DHCP when absent.'),
  wifi: described(wifiConfig.optional(), 'Wireless network; off when absent.'),
});

export type MachineConfig = z.output<typeof machineConfig>;
export type InterfaceConfig = z.output<typeof wiredConfig>;
export type WifiConfig = z.output<typeof wifiConfig>;

function isIpv6(text: string): boolean {
  return text.includes(':') && !/[[\]%]/.test(text) && URL.canParse(`http://[${text}]/`);
}

/** What a path under /usr/share/zoneinfo may be called, and ICU knows. */
function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z0-9_+-]+(\/[A-Za-z0-9_+-]+){0,2}$/.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
