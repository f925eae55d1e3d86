// One line per request answered. The line is put together here and not by bunyan, because there are thousands a second;
// its members are bunyan's, so bunyan's tools read both logs.

import { levelNumbers } from './log.ts';

export interface AccessRecord {
  readonly method: string;
  /** Without its query, which may hold what people wrote. */
  readonly path: string;
  /** The pattern that matched, e.g. `/v1/inferences/:id`; absent where none did. */
  readonly route?: string | undefined;
  readonly status: number;
  readonly durationMs: number;
  readonly bytesIn?: number | undefined;
  readonly bytesOut?: number | undefined;
  readonly correlationId: string;
  readonly tenantId?: string | undefined;
  /** Who asked, e.g. `api-key:<id>`; never a secret. */
  readonly actor?: string | undefined;
  readonly remoteAddress?: string | undefined;
  readonly userAgent?: string | undefined;
  /** When the caller left before the answer was whole. */
  readonly aborted?: true | undefined;
}

export interface AccessLog {
  /** Never waits and never throws. */
  write(record: AccessRecord): void;
}

export interface LineOrigin {
  readonly name: string;
  readonly hostname: string;
  readonly pid: number;
}

/** Makes the line of a record; the constant part is written once. */
export function createAccessLine(origin: LineOrigin): (record: AccessRecord) => string {
  const head = JSON.stringify({ ...origin, level: levelNumbers.info, kind: 'access' }).slice(0, -1);
  let lastMs = 0;
  let lastTime = '';
  return (record) => {
    const now = Date.now();
    if (now !== lastMs) {
      lastMs = now;
      lastTime = new Date(now).toISOString();
    }
    const msg = JSON.stringify(`${record.method} ${record.path.slice(0, 2048)} ${record.status}`);
    return `${head},${JSON.stringify(record).slice(1, -1)},"msg":${msg},"time":"${lastTime}","v":0}`;
  };
}
