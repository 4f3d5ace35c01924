/** Waiting that ends at once when the transfer does. */

/** @returns what the promise brings, or undefined after `ms`. @throws the signal's reason, or what the promise throws. */
export function within<T>(promise: Promise<T>, ms: number, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', aborted);
    };
    const aborted = () => {
      end();
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      end();
      resolve(undefined);
    }, ms);
    signal.addEventListener('abort', aborted);
    if (signal.aborted) return aborted();
    promise.then(
      (value) => {
        end();
        resolve(value);
      },
      (error) => {
        end();
        reject(error);
      },
    );
  });
}

/** @throws the signal's reason */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await within(new Promise<never>(() => undefined), ms, signal);
}
