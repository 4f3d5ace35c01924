/** A serial sensor that does not speak Modbus: owns the port, cuts frames, emits one sample per field. */

import type { Registry } from 'prom-client';
import type { SerialSourceConfig } from '../../config/schema/serial.ts';
import type { Clock } from '../../core/clock.ts';
import type { Health, Source } from '../../core/component.ts';
import { type DeviceError, describeError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { Emit, Sample, Tag } from '../../core/messages.ts';
import { judged, stale, unread } from '../../core/quality.ts';
import { type Millis, seconds } from '../../core/units.ts';
import { Keeper } from '../port/reconnect.ts';
import { openSerialPort, type SerialHandle } from '../port/serial-port.ts';
import { verifyChecksum } from './checksum.ts';
import { unescapeBytes } from './escapes.ts';
import { createFrameReader, type FrameReader } from './fields.ts';
import { createFramer, type Framer } from './framing.ts';
import { type SerialMetrics, serialMetrics } from './metrics.ts';

export interface SerialSourceOptions {
  readonly config: SerialSourceConfig;
  /** By name; every tag of the configuration is in it. */
  readonly tags: ReadonlyMap<string, Tag>;
  readonly emit: Emit;
  readonly clock: Clock;
  readonly log: Log;
  readonly registry: Registry;
}

/** Periods without a value after which the last one is stale. */
const STALE_AFTER = 3;
const PAUSE = { firstPause: seconds(1), maxPause: seconds(30) };

export class SerialSource implements Source {
  readonly name: string;
  readonly tags: readonly Tag[];
  readonly #options: SerialSourceOptions;
  readonly #framer: Framer;
  readonly #reader: FrameReader;
  readonly #metrics: SerialMetrics;
  readonly #keeper: Keeper<SerialHandle>;
  readonly #request: Buffer | undefined;
  readonly #lastRead: Float64Array;
  /** Undefined while the port is not open. */
  #openSince: Millis | undefined;
  /** Causes of this outage that were logged. */
  readonly #told = new Set<string>();
  #droppedBefore = 0;
  #badFrames = 0;
  #health: Health = { state: 'starting', detail: 'the port is being opened' };
  #period: NodeJS.Timeout | undefined;
  #silence: NodeJS.Timeout | undefined;

  constructor(options: SerialSourceOptions) {
    const { config, tags, registry } = options;
    this.name = config.name;
    this.tags = config.tags.map(({ name }) => tags.get(name) as Tag);
    this.#options = options;
    const whole = (frame: Uint8Array) => verifyChecksum(frame, config.checksum) !== undefined;
    this.#framer = createFramer(config.framing, config.maxFrame, whole);
    this.#reader = createFrameReader(config);
    this.#metrics = serialMetrics(registry, config.name);
    this.#request = config.request === undefined ? undefined : unescapeBytes(config.request);
    this.#lastRead = new Float64Array(this.tags.length);
    this.#keeper = new Keeper({
      open: (lost) => openSerialPort(config.serial, { data: (chunk) => this.#onData(chunk), lost }),
      onUp: () => this.#onUp(),
      onDown: (cause) => this.#onDown(cause),
      ...PAUSE,
    });
  }

  async start(): Promise<void> {
    // A sensor has its first periods to say something before its silence counts.
    this.#lastRead.fill(this.#options.clock.mono());
    void this.#keeper.start();
    this.#period = setInterval(() => this.#onPeriod(), this.#options.config.period);
  }

  async stop(): Promise<void> {
    clearInterval(this.#period);
    clearTimeout(this.#silence);
    await this.#keeper.stop();
    this.#metrics.connected(false);
    this.#health = { state: 'stopped', detail: '' };
  }

  health(): Health {
    return this.#health;
  }

  #onUp(): void {
    this.#framer.reset();
    this.#told.clear();
    this.#openSince = this.#options.clock.mono();
    this.#metrics.connected(true);
    this.#health = { state: 'starting', detail: 'the port is open; no frame yet' };
    this.#options.log.info(
      { event: 'serial.port.open', component: this.name },
      `${this.#options.config.serial.path} is open`,
    );
  }

  #onDown(cause: DeviceError): void {
    this.#metrics.connected(false);
    this.#openSince = undefined;
    const detail = describeError(cause);
    this.#health = { state: 'failed', detail };
    // Once per outage and cause: the attempts that follow say nothing new.
    if (this.#told.has(cause.code)) return;
    this.#told.add(cause.code);
    this.#options.log.warn({ event: 'serial.port.down', component: this.name, code: cause.code }, detail);
  }

  #onData(chunk: Buffer): void {
    const { clock, config } = this.#options;
    for (const frame of this.#framer.push(chunk, clock.mono())) this.#onFrame(frame);
    this.#countDropped();
    if (config.framing.type !== 'gap') return;
    clearTimeout(this.#silence);
    // Timers may fire up to a millisecond early, when the silence is not long enough yet.
    this.#silence = setTimeout(() => this.#onSilence(), config.framing.gap + 1);
  }

  #onSilence(): void {
    const frame = this.#framer.idle(this.#options.clock.mono());
    if (frame) this.#onFrame(frame);
  }

  #onFrame(frame: Uint8Array): void {
    const body = verifyChecksum(frame, this.#options.config.checksum);
    const values = body && this.#reader.read(body);
    this.#metrics.frame(values ? 'read' : body ? 'mismatch' : 'checksum');
    if (!values) {
      this.#onBadFrame(body ? 'does not match the pattern' : 'has a wrong checksum', frame);
      return;
    }
    this.#badFrames = 0;
    this.#keeper.confirm();
    this.#health = { state: 'ok', detail: '' };
    this.#emitValues(values);
  }

  #emitValues(values: readonly (number | null)[]): void {
    const stamp = this.#options.clock.stamp();
    const samples: Sample[] = [];
    values.forEach((value, index) => {
      // A frame need not carry every field: what is absent becomes stale by itself.
      if (value === null) return;
      this.#lastRead[index] = stamp.mono;
      const tag = this.tags[index]!;
      samples.push(judged(tag, value, stamp));
    });
    if (samples.length > 0) this.#options.emit(samples);
  }

  #onBadFrame(problem: string, frame: Uint8Array): void {
    this.#badFrames += 1;
    if (this.#badFrames === 3)
      this.#health = {
        state: 'degraded',
        detail: `three frames in a row: ${problem}; check baud rate, parity and framing`,
      };
    const start = Buffer.from(frame.subarray(0, 32)).toString('latin1');
    this.#options.log.debug({ event: 'serial.frame.bad', component: this.name, start }, `a frame ${problem}`);
  }

  /** Asks a sensor that answers on request, and says of each silent field that it is. */
  #onPeriod(): void {
    const handle = this.#keeper.current;
    if (handle && this.#request) handle.write(this.#request);
    const { clock, config } = this.#options;
    const stamp = clock.stamp();
    const silent = this.tags.filter(
      ({ period }, index) => this.#lastRead[index]! < stamp.mono - STALE_AFTER * period,
    );
    if (silent.length === 0) return;
    const patience = STALE_AFTER * config.period;
    const waited = this.#openSince !== undefined && this.#openSince < stamp.mono - patience;
    const calm = this.#health.state === 'ok' || this.#health.state === 'starting';
    if (waited && calm && silent.length === this.tags.length) {
      this.#health = {
        state: 'degraded',
        detail: `no frame for ${STALE_AFTER} periods; check the sensor and its cable`,
      };
    }
    this.#options.emit(silent.map((tag) => (handle ? stale(tag, stamp) : unread(tag, 'bus-offline', stamp))));
  }

  #countDropped(): void {
    const { droppedBytes } = this.#framer;
    this.#metrics.dropped(droppedBytes - this.#droppedBefore);
    this.#droppedBefore = droppedBytes;
  }
}
