/** What code may say of itself. `fields` hold facts (ids, counts, `err`); the message is one plain sentence. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export type LogLevel = keyof Log;

/** Bunyan's numbers. */
export const levelNumbers = { debug: 20, info: 30, warn: 40, error: 50, fatal: 60 } as const;

/** A log whose every line also carries these fields. */
export function withFields(log: Log, fields: object): Log {
  return {
    debug: (more, message) => log.debug({ ...fields, ...more }, message),
    info: (more, message) => log.info({ ...fields, ...more }, message),
    warn: (more, message) => log.warn({ ...fields, ...more }, message),
    error: (more, message) => log.error({ ...fields, ...more }, message),
  };
}
