// Walks documents in the order of lists along lanes, and stops when a page is full.

import type { StatementSync } from 'node:sqlite';
import { type IndexDefinition, idOfNumber, type SearchQuery } from './search-index.ts';
import { documentsTable, placeColumns } from './sqlite-index-schema.ts';
import type { Lane } from './sqlite-lanes.ts';
import type { Clauses } from './sqlite-query.ts';
import type { Span } from './sqlite-rising.ts';

/** Where a document stands in the order: of numbered ones the number is all. */
export interface Place {
  readonly doc: number;
  readonly sort: number;
  readonly id: string;
}

export type Page = Pick<SearchQuery, 'order' | 'limit' | 'after'>;

export interface Way extends Clauses {
  readonly lanes: () => Iterable<Lane>;
  /** Of numbered documents: between which numbers they lie. */
  readonly span: Span;
}

/** It stands first: SQLite asks it for the rows that the conditions leave out, too. */
export const inTime = (where: readonly string[]) => ['in_time()', ...where].join(' AND ');

export type Walk = (way: Way, page: Page) => Place[];

/** What it costs to begin a lane, in rows. */
const LANE_ROWS = 16;

export function createWalk(
  index: IndexDefinition,
  prepared: (sql: string) => StatementSync,
  look: (rows: number) => void,
): Walk {
  const { numbered } = index;
  const table = documentsTable(index.name);
  const [sortColumn, ...ids] = placeColumns(index);
  const selected = numbered ? 'doc' : `doc, ${sortColumn} AS sort, id`;

  function inLane(lane: Lane, { where: conditions, values: wanted, span }: Way, page: Page, worst?: Place): Place[] {
    const descending = page.order === 'descending';
    const where = [...lane.where, ...conditions];
    const values = [...lane.values, ...wanted];
    if (numbered) {
      // A plain bound on either side: of several on one side SQLite would take any to seek by.
      const { low, high } = narrowed(span, page, worst);
      if (low > high) return [];
      where.push('doc >= ?', 'doc <= ?');
      values.push(low, high);
    } else {
      if (page.after) {
        where.push(`(${sortColumn}, id) ${descending ? '<' : '>'} (?, ?)`);
        values.push(page.after.sort, page.after.id);
      }
      if (worst) {
        where.push(`+${sortColumn} ${descending ? '>=' : '<='} ?`);
        values.push(worst.sort);
      }
    }
    const order = [sortColumn, ...ids].map((name) => `${name} ${descending ? 'DESC' : 'ASC'}`).join(', ');
    const from = lane.by === undefined ? table : `${table} INDEXED BY ${lane.by}`;
    return prepared(`SELECT ${selected} FROM ${from} WHERE ${inTime(where)} ORDER BY ${order} LIMIT ?`)
      .all(...values, page.limit)
      .map((row) => placeOf(row['doc'] as number, row['sort'], row['id']));
  }

  const placeOf = (doc: number, sort: unknown, id: unknown): Place =>
    numbered ? { doc, sort: doc, id: idOfNumber(doc) } : { doc, sort: sort as number, id: id as string };

  return (way, page) => {
    let best: Place[] = [];
    for (const lane of way.lanes()) {
      look(LANE_ROWS);
      const worst = best.length < page.limit ? undefined : best.at(-1);
      const found = inLane(lane, way, page, worst);
      if (found.length > 0) best = merge(best, found, page);
    }
    return best;
  };
}

/** What of a span is left after a page's end, and before the worst of the hits so far. */
export function narrowed({ low, high }: Span, { order, after }: Page, worst?: Place): Span {
  if (order === 'descending') {
    return {
      low: worst ? Math.max(low, worst.doc + 1) : low,
      high: after ? Math.min(high, Math.ceil(after.sort) - 1) : high,
    };
  }
  return {
    low: after ? Math.max(low, Math.floor(after.sort) + 1) : low,
    high: worst ? Math.min(high, worst.doc - 1) : high,
  };
}

/** The first ones of two lists that are in order. */
function merge(one: readonly Place[], other: readonly Place[], { order, limit }: Page): Place[] {
  const sign = order === 'descending' ? -1 : 1;
  const merged: Place[] = [];
  let [a, b] = [0, 0];
  while (merged.length < limit) {
    const [left, right] = [one[a], other[b]];
    if (!left && !right) break;
    const takesLeft = left && (!right || sign * comparePlaces(left, right) < 0);
    merged.push(takesLeft ? left : right!);
    if (takesLeft) a++;
    else b++;
  }
  return merged;
}

const comparePlaces = (a: Place, b: Place) => a.sort - b.sort || Buffer.compare(Buffer.from(a.id), Buffer.from(b.id));
