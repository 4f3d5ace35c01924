/** What the node writes back onto the boot partition, for whoever puts the card into a computer. Pure. */

/** Where people look for it, and with which editor: Windows' own shows lines only where they end like this. */
const asText = (lines: readonly string[]) => `${lines.join('\r\n')}\r\n`;

export function errorText(hostname: string, problems: readonly string[]): string {
  return asText([
    `The node ${hostname} found something here that it could not take over:`,
    '',
    ...problems.flatMap((problem) => problem.split('\n')),
    '',
    "'vigie.yaml:12:7' means: in the file vigie.yaml, line 12, column 7.",
    '',
    'What to do: correct it here, on this partition; eject the card in your system; start the node again.',
    'Until then the node goes on with what it had, and with what was right.',
    'This file goes away by itself when nothing is wrong any more.',
  ]);
}

/** Above the login prompt of the node's screen. `\4` becomes its address, also when that changes. */
export function issueText(hostname: string, code: string | undefined, problems: readonly string[]): string {
  return [
    `Vigie on ${hostname}, \\4`,
    ...(code === undefined
      ? []
      : [`Not set up yet: open http://\\4/ in a browser and enter the code ${code}`]),
    ...problems.map((problem) => problem.replaceAll('\\', '/')),
    '',
    '',
  ].join('\n');
}

export interface NodeFacts {
  readonly id: string;
  readonly hostname: string;
  /** SHA-256 of the SSH host key, as OpenSSH shows it; absent while SSH is off. */
  readonly sshFingerprint: string | undefined;
  readonly configured: boolean;
  readonly version: string;
}

export function nodeText({ id, hostname, sshFingerprint, configured, version }: NodeFacts): string {
  return asText([
    `Node:           ${hostname}`,
    `Identity:       ${id}`,
    `Vigie:          ${version}`,
    `Configuration:  ${configured ? 'taken over' : 'none yet: drop vigie.yaml here, or see vigie-setup-code.txt'}`,
    `SSH:            ${sshFingerprint ? `on, for root with your key; host key ${sshFingerprint}` : 'off; drop authorized_keys here to turn it on'}`,
    '',
    'What you may drop here: vigie.yaml, the folders secrets and files, network.yaml, authorized_keys.',
    'The node takes them over when it starts, and takes them off this partition.',
  ]);
}

export function setupCodeText(hostname: string, code: string): string {
  return asText([
    `This node has no configuration yet. To set it up, open http://${hostname}.local/ in a browser on the same`,
    "network (or http:// and the node's address, which your router shows) and enter this code:",
    '',
    `    ${code}`,
    '',
    'It works once. Or drop a file vigie.yaml here and start the node again.',
  ]);
}
