import type { Log } from '#platform/logging/log.ts';

export interface QuietLog extends Log {
  /** Everything said so far, as JSON lines. */
  readonly lines: string[];
}

/** A log that prints nothing and remembers what was said. */
export function createQuietLog(): QuietLog {
  const lines: string[] = [];
  const say = (level: string) => (fields: object, message: string) => {
    lines.push(JSON.stringify({ level, message, ...fields }, errorsToo));
  };
  return { lines, debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') };
}

function errorsToo(_: string, value: unknown): unknown {
  return value instanceof Error ? `${value.stack}` : value;
}
