/**
 * Where first boot finds and leaves things: on the boot partition, on the data partition and in memory. What lies below
 * `etc` of the data partition is put over /etc before systemd starts (docs/images.md).
 */

/** On the boot partition: what a person may drop there. */
export const DROPPED = {
  configuration: 'vigie.yaml',
  secrets: 'secrets',
  files: 'files',
  network: 'network.yaml',
  sshKeys: 'authorized_keys',
  newIdentity: 'new-identity.txt',
  keepIdentity: 'keep-identity.txt',
} as const;

/** On the boot partition: what the node answers. */
export const ANSWERS = {
  errors: 'vigie-error.txt',
  node: 'vigie-node.txt',
  setupCode: 'vigie-setup-code.txt',
} as const;

/** Below the data partition. */
export const DATA = {
  own: 'first-boot',
  identity: 'first-boot/identity.json',
  taken: 'first-boot/taken.json',
  /** The node's /etc/vigie. */
  configDirectory: 'etc/vigie',
  configuration: 'etc/vigie/vigie.yaml',
  setupCode: 'etc/vigie/setup-code',
  /** The node's /etc/credstore/vigie. */
  secrets: 'secrets/vigie',
  machineId: 'etc/machine-id',
  hostname: 'etc/hostname',
  timezone: 'etc/timezone',
  ethernet: 'etc/systemd/network/20-vigie-ethernet.network',
  wifi: 'etc/systemd/network/25-vigie-wifi.network',
  timeServers: 'etc/systemd/timesyncd.conf.d/20-vigie.conf',
  wpa: 'etc/wpa_supplicant/vigie.conf',
  sshKeys: 'etc/ssh/authorized_keys/root',
  sshHostKey: 'etc/ssh/ssh_host_ed25519_key',
} as const;

/** Where the node, and so every path in vigie.yaml, sees `DATA.configDirectory`. */
export const CONFIG_DIRECTORY = '/etc/vigie';

/** In memory; made anew by every `vigie first-boot`. */
export const REPORT = '/run/vigie-first-boot/report.json';
/** agetty shows it above the login prompt. */
export const ISSUE = '/run/issue.d/60-vigie.issue';
