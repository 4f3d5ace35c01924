/** The process as a service: joins the protocol of the service manager, the addon that sends, and the watch over the node. */

import { spawn } from 'node:child_process';
import { notify } from '../../addon/notify.ts';
import type { Clock } from '../../core/clock.ts';
import { ModelError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { LastWords } from '../../supervisor/last-words.ts';
import {
  type Notify,
  type ServiceEnvironment,
  ServiceManager,
  takeServiceEnvironment,
} from '../../supervisor/service-manager.ts';
import { ServiceWatch } from '../../supervisor/service-watch.ts';

const PROGRAM = 'systemd-notify';

export class Service {
  readonly manager: ServiceManager;
  readonly lastWords: LastWords;
  readonly #environment: ServiceEnvironment;
  #watch: ServiceWatch | undefined;

  /** @param env of the process; what is for this process alone is taken out of it. */
  constructor(env: NodeJS.ProcessEnv) {
    this.#environment = takeServiceEnvironment(env, process.pid);
    const { address } = this.#environment;
    this.manager = new ServiceManager(address === undefined ? undefined : notifier(address));
    this.lastWords = new LastWords(env.RUNTIME_DIRECTORY);
    process.on('uncaughtExceptionMonitor', (error) => this.lastWords.say(error.stack ?? String(error)));
  }

  /** @param onSteady told once when the node has been up well for long enough. */
  watch(clock: Clock, log: Log, onSteady: () => void): ServiceWatch {
    if (this.#watch) return this.#watch;
    this.#watch = new ServiceWatch({
      manager: this.manager,
      clock,
      log,
      watchdog: this.#environment.watchdog,
      onStuck: (why) => this.lastWords.say(why),
      onSteady,
    });
    this.#watch.start();
    return this.#watch;
  }
}

/** Through the addon; without it, which is no reason to end the node, through systemd's own program. */
function notifier(address: string): Notify {
  let send: Notify = (message) => notify(address, message);
  return (message) => {
    try {
      send(message);
    } catch (error) {
      if (!(error instanceof ModelError)) throw error;
      send = byProgram(address);
      send(message);
    }
  };
}

function byProgram(address: string): Notify {
  return (message) => {
    const env = { ...process.env, NOTIFY_SOCKET: address };
    const child = spawn(PROGRAM, message.split('\n'), { env, stdio: 'ignore' });
    // Not there: nothing else can be done, and the service manager ends what it hears nothing of.
    child.once('error', () => {});
  };
}
