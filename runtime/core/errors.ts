/** The one error tree. Callers branch on the class or the code, never on the text. */

export interface ErrorDetail {
  /** True when the same call may succeed later without anyone changing anything. */
  retryable?: boolean;
  cause?: unknown;
  /** Facts for the log and for `--json`: tag, unit, path, file position … */
  facts?: Readonly<Record<string, unknown>>;
}

export class VigieError extends Error {
  readonly code: string;
  readonly retryable: boolean;
  readonly facts: Readonly<Record<string, unknown>>;

  /** @param code stable and kebab-case, such as `config-invalid`; documented where it is thrown. */
  constructor(code: string, message: string, detail: ErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.name = new.target.name;
    this.code = code;
    this.retryable = detail.retryable ?? false;
    this.facts = detail.facts ?? {};
  }
}

/** The user's input is wrong: configuration, arguments, a file they named. Never retryable. */
export class InputError extends VigieError {}
/** The command line cannot be understood; the process ends with status 2. */
export class UsageError extends InputError {}
/** A field bus, serial port or device did not do its part. */
export class DeviceError extends VigieError {}
/** The disk, or a file on it, did not do its part. */
export class StorageError extends VigieError {}
/** The broker or the way to it did not do its part. */
export class DeliveryError extends VigieError {}
/** A model, or the native addon that runs it, did not do its part. */
export class ModelError extends VigieError {}
/**
 * An update was refused, or could not be carried out; codes start with `ota-`, of the
 * whole system with `system-`. The node goes on with what it has.
 */
export class UpdateError extends VigieError {}

/** More causes than this are a circle, or nobody's help. */
const MOST_CAUSES = 8;

/** The text of anything thrown, with its causes: `cannot open port: ENOENT: no such file`. */
export function describeError(error: unknown, causes = MOST_CAUSES): string {
  if (!(error instanceof Error)) return String(error);
  const more = error.cause !== undefined && causes > 0;
  return more ? `${error.message}: ${describeError(error.cause, causes - 1)}` : error.message;
}
