/** `vigie simulate`: plants to watch, as real Modbus servers. */

import { UsageError } from '../core/errors.ts';
import type { CliCommand } from './command.ts';

const HELP = `Usage: vigie simulate plant [OPTIONS]
       vigie simulate replay FILE.csv [OPTIONS]
       vigie simulate load [OPTIONS]

plant    A wastewater plant: 127 sensors in 8 stages behind one Modbus TCP server (unit 1 to 8),
         with daily cycles, weather and faults whose ground truth is known.
  --host ADDRESS           where it listens (127.0.0.1)
  --port N                 (1502)
  --serial PATH            serve Modbus RTU on a serial port instead
  --baud N                 of the serial port (19200)
  --seed N                 another plant of the same kind (1)
  --speed N                simulated time per real time, up to 10000 (1)
  --fault SPEC             KIND[:TARGET][@START][+DURATION], simulated time; may be given several times
  --fault-probability P    chance per simulated minute of a random fault while none is active (0.02)
  --truth FILE             write when which fault started and ended, as JSON lines
  --silent-unknown         do not answer for units that are not there, instead of exception 11
  --period T               in the printed configuration (5s)
  --print-config           print the 'sources:' part of vigie.yaml that reads the plant, and end

  Kinds: sensor-failure (stuck, dead, spiking, offset), drift,
    pollution-peak (organic-peak, ammonia-peak, metal-peak, acid-peak),
    process-malfunction (blower-failure, pump-trip, return-pump-failure, clogged-filter,
    dosing-failure, lamp-failure),
    cyber-attack (replayed-values, forged-constant, forged-combination).
    A kind draws one of its modes (in brackets); a mode can be named itself.
    TARGET is a sensor for sensor-failure and drift, a stage for cyber-attack; drawn when absent.
  While it runs, type: fault KIND [TARGET] [DURATION], or clear. SIGUSR1 starts a random fault.

replay   The numeric columns of a recording, each a float32 in holding registers 0, 2, 4 … of unit 1,
         at the pace of the recording's own timestamps. Ends after the last row.
  --host, --port, --period, --print-config   as above (period 1s)
  --speed N                recorded time per real time (1)
  --loop                   start again at the end
  --time COLUMN            of the timestamps, where it is not found by itself
  --skip COLUMN,COLUMN     columns to leave out, such as labels

load     Many small devices for load tests; prints { "endpoints": [...] } when all listen.
  --devices N (100)  --registers N (100)  --host ADDRESS  --port FIRST (0: free ones)

Exit status: 0 ended well or stopped by a signal, 1 failure, 2 the command line was not understood.

Examples:
  vigie simulate plant --print-config > sources.yaml
  vigie simulate plant --fault drift:bio-do-1@60+2min --truth truth.jsonl
  vigie simulate plant --speed 60 --fault-probability 0
  vigie simulate replay pump.csv --skip anomaly,changepoint --loop
`;

export const simulate: CliCommand = {
  name: 'simulate',
  summary: 'serve a simulated plant or a recording as a real Modbus device',
  help: HELP,
  async run(args) {
    const [what, ...rest] = args;
    switch (what) {
      case 'plant':
        return (await import('../../simulator/cli/plant.ts')).runPlant(rest);
      case 'replay':
        return (await import('../../simulator/cli/replay.ts')).runReplay(rest);
      case 'load':
        return (await import('../../simulator/cli/load.ts')).runLoad(rest);
      default: {
        const given = what === undefined ? 'nothing was named' : `'${what}' is none of them`;
        throw new UsageError('usage', `say what to simulate (plant, replay or load): ${given}`);
      }
    }
  },
};
