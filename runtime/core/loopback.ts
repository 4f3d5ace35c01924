const LOOPBACK = ['127.0.0.1', '::1', 'localhost'];

/** Whether a host name or address to listen on is reachable from this machine alone. */
export const isLoopback = (host: string): boolean => LOOPBACK.includes(host);
