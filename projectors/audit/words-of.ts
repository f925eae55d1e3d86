// The words by which an event is found: names, reasons, settings and ids, and what its stream is named after. Not what
// inferences say, which has a list of its own, nor what was looked for in the audit, which would find itself.

import { accesses } from '#events/access.ts';
import type { FieldProtection } from '#events/aggregate.ts';
import { aggregateOf } from '#events/aggregates.ts';
import type { RecordedEvent } from '#events/envelope.ts';
import { inferences } from '#events/inference.ts';
import { subjectOf } from '#events/streams.ts';
import { foldToField } from '#platform/search-index/fold.ts';

const WITHOUT_WORDS: ReadonlySet<string> = new Set([inferences.category, accesses.category]);

export interface SearchedField {
  readonly name: string;
  readonly protection: FieldProtection | undefined;
  /** Its members are named by people, too: settings by name. */
  readonly isMap: boolean;
}

const known = new Map<string, readonly SearchedField[]>();

/** The fields of an event whose words it is found by; none of an event that is found by no words. */
export function searchedFields({ stream, type }: Pick<RecordedEvent, 'stream' | 'type'>): readonly SearchedField[] {
  const found = known.get(type);
  if (found) return found;
  const aggregate = aggregateOf(stream);
  if (!aggregate || WITHOUT_WORDS.has(aggregate.category)) return [];
  const fields = (aggregate.schemas[type]?.fields ?? []).flatMap(({ name, type: schema }) => {
    const protection = aggregate.fields[type]?.[name];
    if (protection === 'secret' || protection === 'content') return [];
    return [{ name, protection, isMap: typeof schema === 'object' && 'type' in schema && schema.type === 'map' }];
  });
  known.set(type, fields);
  return fields;
}

/** Folded; null for an event that is found by none. What is personal must have been opened. */
export function wordsOf(event: RecordedEvent): string | null {
  const aggregate = aggregateOf(event.stream);
  if (!aggregate || WITHOUT_WORDS.has(aggregate.category)) return null;
  const data = event.data as Readonly<Record<string, unknown>>;
  const texts = [subjectOf(event.stream)];
  for (const { name, protection, isMap } of searchedFields(event))
    if (protection === undefined) collect(data[name], isMap, texts);
    else texts.push(openedText(data[name]) ?? '');
  return foldToField(texts.join('\n'));
}

function collect(value: unknown, isMap: boolean, into: string[]): void {
  if (typeof value === 'string' || typeof value === 'number') into.push(String(value));
  else if (Array.isArray(value)) for (const one of value) collect(one, false, into);
  else if (typeof value === 'object' && value !== null)
    for (const [name, one] of Object.entries(value)) {
      if (isMap) into.push(name);
      collect(one, false, into);
    }
}

/** What the opener put in the place of what was sealed. */
const openedText = (value: unknown): string | undefined =>
  (value as { readonly text?: string } | null | undefined)?.text;
