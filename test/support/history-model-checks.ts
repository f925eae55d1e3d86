// I4: each read model equals the fold of the log: nothing missing, nothing twice, nothing more, nothing stale.

import { isDeepStrictEqual } from 'node:util';
import { foldReadModels } from './history-folds.ts';
import { tenantThen } from './history-past-checks.ts';
import type { History, ReadModels, Row, Violation } from './history.ts';

export function readModelFaults(history: History): Violation[] {
  const { log, models, viewer } = history;
  const expected = foldReadModels(history);
  const sentences = [
    ...compareRows('the inference by id', expected.inferences, models.inferences),
    ...Object.keys(expected.lists).flatMap((status) => {
      const of = status as keyof ReadModels['lists'];
      return compareRows(`the list of inferences (${status})`, expected.lists[of], models.lists[of]);
    }),
    ...compareRows('the audit', expected.audit, models.audit, 'position'),
    ...auditOrder(models.audit),
    ...compareRows('the list of keys', expected.keys, models.keys),
    ...compareRows('the list of models', expected.models, models.models),
    ...compareRows('the list of tenants', expected.tenants, models.tenants),
    ...(models.asOf ?? []).flatMap(({ position, rows }) =>
      compareRows(`the tenant as of ${position}`, tenantThen(log, viewer.tenantId, position).rows, rows, 'stream'),
    ),
    ...compareRows('the read store', expected.documents, models.documents, 'key'),
    ...(models.rows ? compareRows('the search index', rowsOf(expected.rows), rowsOf(models.rows), 'key') : []),
  ];
  return sentences.map((sentence) => ({ invariant: 'I4', sentence }));
}

const rowsOf = (rows: ReadModels['rows'] = []): Row[] => rows.map((row) => ({ ...row }));

function compareRows(name: string, expected: readonly Row[], actual: readonly Row[], id = 'id'): string[] {
  const idOf = (row: Row) => String(row[id]);
  const rows = Map.groupBy(actual, idOf);
  const faults: string[] = [];
  for (const row of expected) {
    const [found, ...more] = rows.get(idOf(row)) ?? [];
    if (!found) faults.push(`${name} lacks ${describe(row, id)}.`);
    else faults.push(...differences(name, idOf(row), row, found));
    if (more.length > 0) faults.push(`${name} has ${describe(row, id)} ${more.length + 1} times.`);
    rows.delete(idOf(row));
  }
  for (const [row] of rows.values())
    if (row) faults.push(`${name} has ${describe(row, id)}, of which the log knows nothing.`);
  return faults;
}

const differences = (name: string, id: string, expected: Row, found: Row) =>
  Object.keys(expected)
    .filter((member) => !isDeepStrictEqual(expected[member], found[member]))
    .map(
      (member) =>
        `${name} has ${short(found[member])} as the ${member} of ${id}; by the log it is ${short(expected[member])}.`,
    );

const short = (value: unknown) => (JSON.stringify(value) ?? 'nothing').slice(0, 300);

const describe = (row: Row, id: string) =>
  row['stream'] === undefined ? short(row[id]) : `${textOf(row, 'type')} of ${textOf(row, 'stream')}`;

const textOf = (row: Row, member: string) => (typeof row[member] === 'string' ? row[member] : short(row[member]));

function auditOrder(rows: readonly Row[]): string[] {
  const at = rows.findIndex((row, i) => i > 0 && Number(row['position']) >= Number(rows[i - 1]?.['position']));
  return at < 0 ? [] : [`the audit has ${describe(rows[at] ?? {}, 'id')} after an older event.`];
}
