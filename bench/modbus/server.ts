/** Child process: the simulated devices. Told how many, answers with their ports, serves until it is killed. */

import { startLoadServer } from '../../simulator/load-server.ts';

export interface ServerTask {
  readonly devices: number;
  readonly tagsPerDevice: number;
}

process.once('message', async ({ devices, tagsPerDevice }: ServerTask) => {
  // Half of the tags take one register, half two.
  const server = await startLoadServer({ devices, registersPerDevice: tagsPerDevice * 1.5 });
  process.send?.(server.endpoints.map(({ port }) => port));
});
process.once('disconnect', () => process.exit());
