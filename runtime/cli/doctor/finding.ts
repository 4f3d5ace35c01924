/** One thing doctor looked at. */
export interface Finding {
  /** What was looked at: `broker`, `source plc-1`. */
  readonly check: string;
  readonly state: 'ok' | 'warning' | 'failure';
  /** What was found. */
  readonly detail: string;
  /** What to do; empty when there is nothing to do. */
  readonly fix: string;
}

export const ok = (check: string, detail: string): Finding => ({ check, state: 'ok', detail, fix: '' });
export const warning = (check: string, detail: string, fix: string): Finding => ({
  check,
  state: 'warning',
  detail,
  fix,
});
export const failure = (check: string, detail: string, fix: string): Finding => ({
  check,
  state: 'failure',
  detail,
  fix,
});
