/** network.yaml to a MachineConfig, with the place of every problem. */

import { explainIssue } from '../../config/explain-issue.ts';
import type { Problem } from '../../config/problem.ts';
import { parseYaml } from '../../config/yaml.ts';
import { type InterfaceConfig, type MachineConfig, machineConfig } from './schema.ts';

export interface ParsedMachine {
  /** Undefined when there are problems. */
  readonly config: MachineConfig | undefined;
  readonly problems: readonly Problem[];
}

export function parseMachine(text: string): ParsedMachine {
  const yaml = parseYaml(text);
  if (yaml.problems.length > 0) return { config: undefined, problems: yaml.problems };
  if (yaml.value === null || yaml.value === undefined) {
    const message = 'the file is empty; start with hostname: …, ethernet: { … } or wifi: { … }';
    return { config: undefined, problems: [{ path: [], line: 1, column: 1, message }] };
  }
  const result = machineConfig.safeParse(yaml.value);
  if (!result.success) {
    const problems = result.error.issues.flatMap((issue) => explainIssue(issue, yaml, machineConfig));
    return { config: undefined, problems };
  }
  const problems = (['ethernet', 'wifi'] as const).flatMap((name) =>
    contradictions(result.data[name]).map(({ key, message }): Problem => {
      const path = [name, key];
      return { path, ...yaml.locate(path), message };
    }),
  );
  return { config: problems.length > 0 ? undefined : result.data, problems };
}

/** What each key alone cannot say. */
function contradictions(config: InterfaceConfig | undefined): { key: string; message: string }[] {
  if (!config) return [];
  const { dhcp, address, gateway } = config;
  if (dhcp === false && address === undefined)
    return [{ key: 'dhcp', message: 'without DHCP the node needs an address: add address: 192.168.1.20/24' }];
  if (gateway !== undefined && address === undefined)
    return [{ key: 'gateway', message: 'a gateway goes with a fixed address; DHCP brings its own' }];
  if (gateway !== undefined && address !== undefined && !isInNetwork(gateway, address))
    return [{ key: 'gateway', message: `is not in the network of ${address}: nothing would leave the node` }];
  return [];
}

/** IPv4 alone: an IPv6 gateway is commonly link-local. */
function isInNetwork(gateway: string, address: string): boolean {
  const [own = '', prefix = ''] = address.split('/');
  if (own.includes(':') || gateway.includes(':')) return true;
  const shift = 2 ** (32 - Number(prefix));
  return Math.floor(toNumber(own) / shift) === Math.floor(toNumber(gateway) / shift);
}

const toNumber = (ipv4: string) => ipv4.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
