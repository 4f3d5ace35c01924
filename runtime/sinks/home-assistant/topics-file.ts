import { join } from 'node:path';

/** The topics that a broker may retain for Home Assistant. */
export const topicsFile = (directory: string): string => join(directory, 'home-assistant.json');
