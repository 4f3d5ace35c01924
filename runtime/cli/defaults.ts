/** Where the Debian package puts things. */
export const DEFAULT_CONFIG = '/etc/vigie/vigie.yaml';
export const DEFAULT_DATA = '/var/lib/vigie';
