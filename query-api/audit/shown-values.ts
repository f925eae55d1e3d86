// What of an event or a state is shown to whom, by what its aggregate says of its fields: secrets to nobody, content to who
// may read inferences in the tenant whose it is, what is personal to whoever may see the event at all. What was sealed with
// a key that is gone shows that it was erased.

import type { AnyAggregate, FieldProtection } from '#events/aggregate.ts';
import { aggregateOf } from '#events/aggregates.ts';
import type { Content } from '#events/content.ts';
import type { RecordedEvent, SealedOrigin } from '#events/envelope.ts';
import { BlobMissing, type Contents, ERASED, ERASED_TEXT, type Opened } from '#platform/content/content.ts';
import { SealBroken } from '#platform/vault/sealing.ts';

export const SECRET_TEXT = '[secret]';
export const CONTENT_TEXT = '[content]';
/** In the place of what was altered, or whose blob was lost. */
export const UNREADABLE_TEXT = '[unreadable]';

/** Bytes of JSON up to which content is shown: on a list, and where one thing is looked at. */
export const CONTENT_BYTES = { list: 2_000, one: 65_536 } as const;

export interface Viewer {
  readonly tenantId: string;
  /** In that tenant. */
  readonly permissions: ReadonlySet<string>;
  /** Content of more bytes of JSON is not shown. */
  readonly contentBytes: number;
}

export interface ShownOrigin {
  readonly address: string;
  readonly client: string | null;
}

export type MaybeLater<T> = T | Promise<T>;

export interface ShownValues {
  /** What an event says. */
  eventData(event: RecordedEvent, viewer: Viewer): MaybeLater<unknown>;
  /** What a stream's events add up to. */
  stateOf(stream: string, state: unknown, viewer: Viewer): MaybeLater<unknown>;
  /** From where it came; null for what Defter did by itself. */
  originOf(event: RecordedEvent): MaybeLater<ShownOrigin | typeof ERASED_TEXT | typeof UNREADABLE_TEXT | null>;
}

type Protections = Readonly<Record<string, FieldProtection | undefined>>;

/** Throws what may pass, as a vault that does not answer. */
export function createShownValues(contents: Pick<Contents, 'open'>): ShownValues {
  const show = (
    value: unknown,
    protection: FieldProtection | undefined,
    all: Protections,
    viewer: Viewer,
  ): MaybeLater<unknown> => {
    if (typeof value !== 'object' || value === null)
      return protection === 'secret' && value !== null ? SECRET_TEXT : value;
    if (protection === 'secret') return SECRET_TEXT;
    if (isContent(value)) return maySee(value, protection, viewer) ? open(contents, value) : CONTENT_TEXT;
    if (isOrigin(value)) return open(contents, whole(value));
    if (Array.isArray(value)) return together(value.map((one) => show(one, protection, all, viewer)));
    const members = Object.entries(value);
    const shown = together(members.map(([name, one]) => show(one, all[name], all, viewer)));
    const put = (values: readonly unknown[]) => Object.fromEntries(members.map(([name], i) => [name, values[i]]));
    return shown instanceof Promise ? shown.then(put) : put(shown);
  };

  return {
    eventData: ({ stream, type, data }, viewer) =>
      show(data, undefined, aggregateOf(stream)?.fields[type] ?? {}, viewer),
    stateOf: (stream, state, viewer) => show(state, undefined, protectionsOf(aggregateOf(stream)), viewer),
    originOf: ({ metadata: { origin } }) =>
      origin === undefined ? null : (open(contents, whole(origin)) as MaybeLater<ShownOrigin>),
  };
}

/** Nothing is waited for where all is there. */
function together(values: readonly MaybeLater<unknown>[]): MaybeLater<readonly unknown[]> {
  return values.some((one) => one instanceof Promise) ? Promise.all(values) : values;
}

const STRICTEST: readonly FieldProtection[] = ['personal', 'content', 'secret'];
const known = new WeakMap<AnyAggregate, Protections>();

/** Of each field's name the strictest that any of its events has: a state holds what they said under the same names. */
function protectionsOf(aggregate: AnyAggregate | undefined): Protections {
  if (aggregate === undefined) return {};
  const found = known.get(aggregate);
  if (found) return found;
  const all: Record<string, FieldProtection | undefined> = Object.create(null) as Protections;
  const rank = (protection: FieldProtection | undefined) => (protection ? STRICTEST.indexOf(protection) : -1);
  for (const fields of Object.values(aggregate.fields))
    for (const [name, protection] of Object.entries(fields ?? {}))
      if (rank(protection) > rank(all[name])) all[name] = protection;
  known.set(aggregate, all);
  return all;
}

const hasTexts = (value: object, ...names: readonly string[]) =>
  names.every((name) => typeof (value as Readonly<Record<string, unknown>>)[name] === 'string');

const isContent = (value: object): value is Content =>
  hasTexts(value, 'keyId') && 'sealed' in value && 'blob' in value && 'bytes' in value;

const isOrigin = (value: object): value is SealedOrigin =>
  hasTexts(value, 'keyId', 'sealed') && Object.keys(value).length === 2;

const whole = ({ keyId, sealed }: SealedOrigin): Content => ({ keyId, sealed, blob: null, bytes: 0 });

const subjectOf = ({ keyId }: Content) => keyId.slice(0, keyId.lastIndexOf('/'));

/** What no field names is taken for content. */
function maySee(content: Content, protection: FieldProtection | undefined, viewer: Viewer): boolean {
  if (protection === 'personal') return true;
  const { tenantId, permissions, contentBytes } = viewer;
  return subjectOf(content) === tenantId && permissions.has('inference:read') && content.bytes <= contentBytes;
}

function open(contents: Pick<Contents, 'open'>, content: Content): MaybeLater<unknown> {
  try {
    const opened = contents.open(subjectOf(content), content);
    return opened instanceof Promise ? opened.then(told, unreadable) : told(opened);
  } catch (error) {
    return unreadable(error);
  }
}

const told = (opened: Opened): unknown => (opened === ERASED ? ERASED_TEXT : opened);

/** Of one event that cannot be read any more the rest is shown all the same. */
function unreadable(error: unknown): string {
  if (error instanceof SealBroken || error instanceof BlobMissing) return UNREADABLE_TEXT;
  throw error;
}
