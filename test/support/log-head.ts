import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** The newest position in the log of a data folder that another process holds; 0 for an empty one. */
export function logHead(dataDir: string): number {
  const log = new DatabaseSync(join(dataDir, 'events.sqlite'), { readOnly: true, timeout: 5_000 });
  try {
    return Number(log.prepare('SELECT max(position) AS head FROM events').get()?.['head'] ?? 0);
  } finally {
    log.close();
  }
}
