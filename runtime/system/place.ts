/** Where a flashed node keeps what is known of its systems; on the data partition, in a folder of root's. */

/** Is there on nodes that were flashed from an image, and on no others. */
export const SYSTEM_FOLDER = '/var/lib/vigie-system';
export const RECORD_NAME = 'record.json';
