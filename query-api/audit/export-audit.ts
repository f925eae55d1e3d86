// All events of a filter, the oldest first, as text that is made only as fast as it is read: a page at a time, whatever the
// number of events. What came after the export had begun is not in it.

import { Readable } from 'node:stream';
import { stringify } from 'csv-stringify/sync';
import type { AuditEventView } from '#contracts/audit.ts';
import type { RecordedEvent } from '#events/envelope.ts';
import { ClientTooSlow } from '#platform/http/sse.ts';
import type { PageEnd } from '../page-cursor.ts';
import type { FindEvents } from './find-events.ts';

export type ExportFormat = 'ndjson' | 'csv';

/** Events read at a time. */
const PORTION = 200;
/** Bytes that are handed over at a time: whoever is slow has taken some of them before they are taken for gone. */
const PIECE = 16_384;
/** Milliseconds that a client may take nothing. */
const STALL_MS = 60_000;

export interface ExportOptions {
  readonly find: FindEvents;
  readonly view: (event: RecordedEvent) => Promise<AuditEventView>;
  readonly format: ExportFormat;
  /** The position up to which events are exported. */
  readonly until: bigint;
  readonly stallMs?: number;
}

/** Resolves once the first portion is there: what fails before is an answer of its own, what fails later cuts the stream. */
export async function exportAudit(options: ExportOptions): Promise<Readable> {
  const { stallMs = STALL_MS } = options;
  const texts = textsOf(options);
  const first = await texts.next();
  async function* paced() {
    try {
      for await (const piece of piecesOf(first, texts)) {
        // Whoever asks for the next has room for it.
        const stalled = setTimeout(
          () => stream.destroy(new ClientTooSlow(`a client took nothing for ${stallMs} ms`)),
          stallMs,
        );
        try {
          yield piece;
        } finally {
          clearTimeout(stalled);
        }
      }
    } finally {
      await texts.return();
    }
  }
  const stream = Readable.from(paced(), { objectMode: false, highWaterMark: 65_536 });
  return stream;
}

async function* piecesOf(first: IteratorResult<string, void>, texts: AsyncGenerator<string, void, void>) {
  for (let next = first; !next.done; next = await texts.next()) {
    const bytes = Buffer.from(next.value);
    for (let at = 0; at < bytes.length; at += PIECE) yield bytes.subarray(at, at + PIECE);
  }
}

async function* textsOf({ find, view, format, until }: ExportOptions): AsyncGenerator<string, void, void> {
  if (format === 'csv') yield csvOf([COLUMNS]);
  let after: PageEnd | undefined;
  for (;;) {
    const { events, rest } = await find({ order: 'ascending', limit: PORTION, after });
    const asked = events.filter(({ event }) => event.position <= until);
    const views = await Promise.all(asked.map(({ event }) => view(event)));
    if (views.length > 0) yield format === 'csv' ? csvOf(views.map(rowOf)) : views.map(lineOf).join('');
    if (rest === undefined || asked.length < events.length) return;
    after = rest;
  }
}

const lineOf = (view: AuditEventView) => `${JSON.stringify(view)}\n`;

const COLUMNS = [
  'position',
  'recordedAt',
  'kind',
  'type',
  'tenantId',
  'actorKind',
  'actorId',
  'stream',
  'revision',
  'data',
  'address',
  'client',
  'id',
  'correlationId',
  'causationId',
] as const;

function rowOf(view: AuditEventView): readonly string[] {
  const { origin } = view;
  const told = typeof origin === 'string' ? { address: origin, client: origin } : origin;
  return [
    view.position,
    view.recordedAt,
    view.kind,
    view.type,
    view.tenantId,
    view.actor.kind,
    view.actor.id,
    view.stream,
    String(view.revision),
    JSON.stringify(view.data),
    told?.address ?? '',
    told?.client ?? '',
    view.id,
    view.correlationId,
    view.causationId,
  ];
}

/** A text that a spreadsheet would take for a formula gets an apostrophe before it. */
const csvOf = (rows: readonly (readonly string[])[]) =>
  stringify(
    rows.map((row) => [...row]),
    { escape_formulas: true, record_delimiter: 'windows' },
  );
