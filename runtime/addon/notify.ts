/** Tells the service manager something: Node.js has no datagram sockets of the UNIX kind. */

import { binding, calling } from './binding.ts';

/**
 * One datagram, at once or not at all.
 * @param address `$NOTIFY_SOCKET`: a path, or `@name` in the abstract namespace. @param message `READY=1\nSTATUS=…`.
 * @throws VigieError `notify-failed` (retryable), InputError `bad-argument`, ModelError `addon-missing`.
 */
export function notify(address: string, message: string): void {
  calling(() => binding().notify(address, message));
}
