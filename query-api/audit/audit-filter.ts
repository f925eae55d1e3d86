// What is asked of the audit, as conditions on events: the same whether an index or the log itself answers.

import { problems } from '#contracts/problems.ts';
import { aggregates, typesOfKind } from '#events/aggregates.ts';
import { ACTOR_KINDS, type Actor, type RecordedEvent } from '#events/envelope.ts';
import { accesses } from '#events/access.ts';
import { catalog } from '#events/catalog.ts';
import { type FieldFault, Problem } from '#platform/http/problem.ts';
import { didYouMean } from '#platform/nearest-name.ts';
import { foldQuery } from '#platform/search-index/fold.ts';
import type { Condition, SearchQuery } from '#platform/search-index/search-index.ts';
import { faultOfWords } from '../searched-words.ts';

/** Times in milliseconds since the epoch. */
export interface AskedFilter {
  readonly kind?: readonly string[] | undefined;
  readonly type?: readonly string[] | undefined;
  readonly stream?: string | undefined;
  readonly actor?: string | undefined;
  readonly actorKind?: Actor['kind'] | undefined;
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly q?: string | undefined;
  readonly reads: boolean;
}

export interface AuditFilter {
  /** Tenants; undefined: all. */
  readonly tenants: readonly string[] | undefined;
  /** Undefined: all but who read the audit. */
  readonly types: readonly string[] | undefined;
  readonly reads: boolean;
  readonly stream: string | undefined;
  /** `<kind>:<id>`, any of them. */
  readonly actors: readonly string[] | undefined;
  readonly from: number | undefined;
  /** Exclusive. */
  readonly to: number | undefined;
  /** Folded; undefined where none were asked for. */
  readonly words: readonly string[] | undefined;
}

const fault = (name: string, message: string): FieldFault => ({ in: 'query', pointer: `/${name}`, message });

/** Each of several values is pointed at by its place. */
const unknownOf = (name: string, values: readonly string[] = [], all: readonly string[]): FieldFault[] =>
  values.flatMap((value, i) =>
    all.includes(value)
      ? []
      : [fault(values.length === 1 ? name : `${name}/${i}`, `There is no ${name} ${value}${didYouMean(value, all)}`)],
  );

function faultsOf(words: readonly string[]): FieldFault[] {
  const message = faultOfWords(words);
  return message === undefined ? [] : [fault('q', message)];
}

const TYPES = [...catalog.keys()];
const KINDS = [...new Set<string>(aggregates.map(({ category }) => category))];

/** Throws 422 for names of types that there are not. */
export function requireTypes(types: readonly string[] | undefined): void {
  const errors = unknownOf('type', types, TYPES);
  if (errors.length > 0) throw new Problem(problems['invalid-request'], { errors });
}

/** Throws 422 for names that there are not, times the wrong way round and a text without a word. */
export function auditFilter(asked: AskedFilter, tenants: readonly string[] | undefined): AuditFilter {
  const { kind, type, stream, actor, actorKind, from, to, q, reads } = asked;
  const words = q === undefined ? undefined : foldQuery(q);
  const errors = [
    ...unknownOf('kind', kind, KINDS),
    ...unknownOf('type', type, TYPES),
    ...(from !== undefined && to !== undefined && from > to ? [fault('to', 'Must not be before `from`')] : []),
    ...(actorKind !== undefined && actor === undefined ? [fault('actorKind', 'Only together with `actor`')] : []),
    ...(words ? faultsOf(words) : []),
  ];
  if (errors.length > 0) throw new Problem(problems['invalid-request'], { errors });
  const ofKinds = kind?.flatMap(typesOfKind);
  return {
    tenants,
    types: type && ofKinds ? type.filter((one) => ofKinds.includes(one)) : (type ?? ofKinds),
    reads,
    stream,
    actors: actorsOf(actor, actorKind),
    from,
    to,
    words,
  };
}

function actorsOf(id: string | undefined, kind: Actor['kind'] | undefined): readonly string[] | undefined {
  if (id === undefined) return undefined;
  return (kind === undefined ? ACTOR_KINDS : [kind]).map((one) => `${one}:${id}`);
}

const READS = Object.keys(accesses.events);

/** By name, all of them where none were. */
export const askedTypes = ({ types, reads }: Pick<AuditFilter, 'types' | 'reads'>): readonly string[] =>
  types ?? (reads ? TYPES : TYPES.filter((type) => !READS.includes(type)));

/** What is asked of the types of events. */
export function typeConditions({ types, reads }: Pick<AuditFilter, 'types' | 'reads'>) {
  if (types) return [{ field: 'type', in: types }];
  return reads ? [] : [{ field: 'type', notIn: READS }];
}

/** As the index of the audit is asked. */
export function queryOf(filter: AuditFilter): Pick<SearchQuery, 'partition' | 'conditions' | 'text'> {
  const { tenants, stream, actors, from, to, words } = filter;
  const conditions: Condition[] = typeConditions(filter);
  if (actors) conditions.push({ field: 'actor', in: actors });
  if (stream !== undefined) conditions.push({ field: 'stream', in: [stream] });
  if (from !== undefined || to !== undefined)
    conditions.push({
      field: 'recordedAt',
      ...(from !== undefined && { from }),
      ...(to !== undefined && { to: to - 1 }),
    });
  return { partition: tenants, conditions, ...(words && { text: { field: 'words', words } }) };
}

/** Whether an event of the stream that was asked for is among what was asked; words are the index's to find. */
export function isAsked(filter: AuditFilter, { type, recordedAt, metadata }: RecordedEvent): boolean {
  const { tenants, types, reads, actors, from, to } = filter;
  const { tenantId, actor } = metadata;
  return (
    (tenants?.includes(tenantId) ?? true) &&
    (types?.includes(type) ?? (reads || !READS.includes(type))) &&
    (actors?.includes(`${actor.kind}:${actor.id}`) ?? true) &&
    (from === undefined || recordedAt >= from) &&
    (to === undefined || recordedAt < to)
  );
}
