/**
 * The one owner of a bus: it alone holds the connection and sends, one request after the other.
 *
 * After a time-out the unit is asked with a probe first: a read of another length, whose values are not used.
 * RTU frames carry no transaction id, so the late answer to the request that timed out would pass for the answer
 * to the next one like it; it cannot pass for the probe's. And a unit answers in order: once the probe is
 * answered, no older answer can be on its way.
 */

import type { ModbusSourceConfig } from '../../config/schema/modbus.ts';
import type { Clock } from '../../core/clock.ts';
import type { Health } from '../../core/component.ts';
import { DeviceError, describeError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { type Millis, millis } from '../../core/units.ts';
import { type Connection, Keeper } from '../port/reconnect.ts';
import { Client, loadModbus } from './client.ts';
import { exceptionName, isGatewayException, type Outcome, probeFor, type Request } from './exchange.ts';
import type { Link, LinkEvents } from './link.ts';
import type { BusMetrics } from './metrics.ts';
import { connectTcp } from './tcp-link.ts';
import type { Unit } from './unit.ts';

export interface BusOptions {
  readonly config: ModbusSourceConfig;
  readonly units: readonly Unit[];
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: BusMetrics;
  /** The connection is up (again): what is due should be asked at once. */
  readonly onUp: () => void;
  /** The probe of an offline unit is over: another one may follow. */
  readonly onProbed: () => void;
  /** A unit that was offline answers. */
  readonly onUnitBack: (unit: Unit) => void;
}

interface Line extends Connection {
  readonly client: Client;
  readonly link: Link;
}

const FIRST_PAUSE = millis(500);
const MAX_PAUSE = millis(30_000);
const POLL_LANE = 0;
const PROBE_LANE = 1;

export class Bus {
  readonly #options: BusOptions;
  readonly #keeper: Keeper<Line>;
  #down: DeviceError | undefined;
  /** Causes of this outage that were logged. */
  readonly #told = new Set<string>();
  #started = false;
  #confirmed = false;
  /** Requests that timed out since the last byte came in. */
  #silent = 0;
  #renewedAt = millis(Number.NEGATIVE_INFINITY);
  #freeAt = millis(Number.NEGATIVE_INFINITY);
  #probingAside = false;
  readonly #unanswered = new Map<Unit, Request>();

  constructor(options: BusOptions) {
    this.#options = options;
    this.#keeper = new Keeper<Line>({
      open: (lost, signal) => this.#open(lost, signal),
      onUp: () => this.#up(),
      onDown: (cause, pause) => this.#lost(cause, pause),
      firstPause: FIRST_PAUSE,
      maxPause: MAX_PAUSE,
    });
  }

  get connected(): boolean {
    return this.#keeper.current !== undefined;
  }

  /** Resolves when the first attempt to connect is over, however it ended. */
  start(): Promise<void> {
    return this.#keeper.start();
  }

  /** Idempotent; pending requests end as `disconnected`. */
  stop(): Promise<void> {
    return this.#keeper.stop();
  }

  health(): Health | undefined {
    if (this.connected) return undefined;
    if (!this.#started) return { state: 'starting', detail: 'connecting' };
    return { state: 'failed', detail: describeError(this.#down) };
  }

  /** Sends one request on the bus's own lane and settles what it means for the unit. */
  async exchange(unit: Unit, request: Request): Promise<Outcome> {
    const line = this.#keeper.current;
    if (!line) return { kind: 'disconnected' };
    await this.#silence(line.link);
    const { clock, metrics } = this.#options;
    const started = clock.mono();
    const outcome = await this.#send(line, POLL_LANE, unit, request);
    this.#freeAt = clock.mono();
    metrics.busy.inc((this.#freeAt - started) / 1000);
    if (outcome.kind === 'answer') metrics.latency.observe((this.#freeAt - started) / 1000);
    return outcome;
  }

  /** Asks whether a unit lives. */
  probe(unit: Unit): Promise<Outcome> {
    return this.exchange(unit, this.#probeOf(unit));
  }

  /**
   * The probe of an offline unit. Where the connection tells answers apart (TCP) nobody waits for it.
   * @returns the probe when the bus is taken until it is over.
   */
  probeOffline(unit: Unit): Promise<Outcome> | undefined {
    const line = this.#keeper.current;
    if (!line) return undefined;
    unit.breaker.probing();
    this.#showBreaker(unit);
    if (line.link.lanes <= PROBE_LANE) return this.probe(unit);
    this.#probingAside = true;
    void this.#send(line, PROBE_LANE, unit, this.#probeOf(unit)).finally(() => {
      this.#probingAside = false;
      this.#options.onProbed();
    });
    return undefined;
  }

  /** The offline unit whose probe is due, the one that waits longest. */
  probeDue(now: Millis): Unit | undefined {
    if (this.#probingAside || !this.connected) return undefined;
    let first: Unit | undefined;
    for (const unit of this.#options.units) {
      if (unit.breaker.probeAt <= now && !(first && first.breaker.probeAt <= unit.breaker.probeAt))
        first = unit;
    }
    return first;
  }

  /** When a probe is due next; infinite when none is. */
  probeAt(): Millis {
    if (this.#probingAside || !this.connected) return millis(Number.POSITIVE_INFINITY);
    return millis(Math.min(...this.#options.units.map(({ breaker }) => breaker.probeAt)));
  }

  async #open(lost: (cause: DeviceError) => void, signal: AbortSignal): Promise<Line> {
    const { metrics, config } = this.#options;
    const events: LinkEvents = {
      lost,
      sent: (bytes) => metrics.sent.inc(bytes),
      received: (bytes) => {
        this.#silent = 0;
        metrics.received.inc(bytes);
      },
      discarded: (frames) => metrics.discarded.inc(frames),
    };
    const loading = loadModbus();
    loading.catch(() => {}); // awaited below, unless the link fails first
    const link = await openLink(config, events, signal);
    return { link, client: new Client(await loading, link), close: () => link.close() };
  }

  async #send(line: Line, lane: number, unit: Unit, request: Request): Promise<Outcome> {
    this.#options.metrics.requests.inc();
    const timeout = millis(unit.timeout + line.link.lineTime(bytesOnLine(request)));
    const outcome = await line.client.exchange(lane, unit.id, request, timeout);
    this.#settle(unit, request, outcome);
    return outcome;
  }

  #settle(unit: Unit, request: Request, outcome: Outcome): void {
    const { metrics, clock } = this.#options;
    const now = clock.mono();
    if (outcome.kind === 'exception') metrics.exception(exceptionName(outcome.code)).inc();
    else if (outcome.kind !== 'answer') metrics.fault[outcome.kind]!.inc();
    const { breaker } = unit;
    if (outcome.kind === 'disconnected') {
      breaker.undecided(now);
      this.#showBreaker(unit);
      return;
    }
    unit.note(outcome);
    if (!this.#confirmed && (outcome.kind === 'answer' || outcome.kind === 'exception')) this.#confirm();
    if (outcome.kind === 'answer' || (outcome.kind === 'exception' && !isGatewayException(outcome.code))) {
      this.#unanswered.delete(unit);
      if (breaker.answered()) this.#back(unit);
      return;
    }
    const garbled = outcome.kind === 'bad-frame' || outcome.kind === 'checksum';
    if (!garbled) this.#unanswered.set(unit, request);
    const offline = garbled ? breaker.garbled(now) : breaker.timedOut(now);
    this.#showBreaker(unit);
    if (offline) this.#offline(unit);
    if (outcome.kind === 'timeout') this.#heardNothing(now);
  }

  /** Several time-outs and not a single byte: the connection itself may be dead without anyone having said so. */
  #heardNothing(now: Millis): void {
    this.#silent += 1;
    const { units, config } = this.#options;
    const line = this.#keeper.current;
    if (!line || this.#silent < Math.min(2, units.length)) return;
    if (now - this.#renewedAt < config.breaker.backoff || !line.link.worthRenewing()) return;
    this.#renewedAt = now;
    this.#silent = 0;
    const text = 'nothing comes back any more: the connection is opened anew';
    this.#keeper.renew(new DeviceError('bus-silent', text, { retryable: true }));
  }

  #probeOf(unit: Unit): Request {
    const last = this.#unanswered.get(unit);
    return probeFor(last && last.fn <= 4 && 'count' in last ? last : unit.planned[0]!.request);
  }

  /** The silence that separates frames on a serial line, and what the configuration adds. */
  async #silence(link: Link): Promise<void> {
    const gap = Math.max(link.gap, this.#options.config.requestGap);
    const left = this.#freeAt + gap - this.#options.clock.mono();
    if (gap > 0 && left > 0) await new Promise((resolve) => setTimeout(resolve, Math.ceil(left)));
  }

  #up(): void {
    const { metrics, onUp } = this.#options;
    this.#started = true;
    this.#silent = 0;
    this.#confirmed = false;
    metrics.connects.inc();
    onUp();
  }

  /** The first answer on a connection. A peer that accepts and hangs up at once is no bus, and no news each time. */
  #confirm(): void {
    const { log, config } = this.#options;
    this.#confirmed = true;
    this.#told.clear();
    this.#keeper.confirm();
    log.info({ event: 'modbus.bus.up', source: config.name }, 'the bus answers');
  }

  #lost(cause: DeviceError, pause: Millis): void {
    const { log, config } = this.#options;
    this.#started = true;
    this.#down = cause;
    // Once per outage and cause: the attempts that follow say nothing new.
    if (this.#told.has(cause.code)) return;
    this.#told.add(cause.code);
    const facts = { event: 'modbus.bus.down', source: config.name, code: cause.code, retryMs: pause };
    log.warn(facts, describeError(cause));
  }

  #offline(unit: Unit): void {
    const { log, config, clock } = this.#options;
    const facts = { event: 'modbus.unit.offline', source: config.name, unit: unit.id };
    log.warn(facts, `${unit.name} is offline: ${unit.health(clock.mono()).detail}`);
  }

  #back(unit: Unit): void {
    const { log, config, onUnitBack } = this.#options;
    this.#showBreaker(unit);
    log.info({ event: 'modbus.unit.back', source: config.name, unit: unit.id }, `${unit.name} answers again`);
    onUnitBack(unit);
  }

  #showBreaker(unit: Unit): void {
    this.#options.metrics.breaker(unit.name, unit.breaker.state);
  }
}

async function openLink(config: ModbusSourceConfig, events: LinkEvents, signal: AbortSignal): Promise<Link> {
  if (config.tcp) return connectTcp(config.tcp, events, signal);
  if (!config.serial) throw new DeviceError('bus-address', 'the source has neither tcp nor serial');
  // Loads the native serial port binding: only nodes with a serial line pay for it.
  const { openRtu } = await import('./rtu-link.ts');
  return openRtu(config.serial, events);
}

/** Request and answer together, as an upper bound. */
function bytesOnLine(request: Request): number {
  const overhead = 20;
  if (request.fn <= 2 && 'count' in request) return overhead + Math.ceil(request.count / 8);
  if ('count' in request) return overhead + request.count * 2;
  return overhead + ('words' in request ? request.words.length * 2 : 0);
}
