// An aggregate is one definition: what its streams are called, where its events go, what they look like and what they
// add up to. Everything else that is known of it is derived from that; see aggregates.ts for the list of all.

import type { Field, FieldTypes, RecordSchema } from './avro.ts';
import type { SealedSchema } from './content.ts';
import type { RecordedEvent } from './envelope.ts';

/** Turns the data of version n into that of version n + 1. */
export type UpcastStep = (data: unknown) => unknown;

/** Type name to its steps; the step at index 0 turns version 1 into 2. */
export type Upcasters = Readonly<Record<string, readonly UpcastStep[] | undefined>>;

/** Event types by name, each with the fields of its Avro record. */
export type EventFields = Readonly<Record<string, readonly Field[]>>;

export type DataOf<E extends EventFields, Type extends keyof E> = FieldTypes<E[Type]>;

/** The recorded events of these types. */
export type EventOf<E extends EventFields> = {
  [Type in keyof E & string]: RecordedEvent<Type, DataOf<E, Type>>;
}[keyof E & string];

type SealedName<Fields extends readonly Field[]> = Extract<Fields[number], { readonly type: SealedSchema }>['name'];
type PlainName<Fields extends readonly Field[]> = Exclude<Fields[number]['name'], SealedName<Fields>>;
/**
 * `content` is a tenant's and sealed with its key, `personal` a person's and sealed with theirs; `secret` is shown to nobody,
 * whether it is sealed or stands in the log as it is (a hash).
 */
export type FieldProtection = 'content' | 'personal' | 'secret';

type KindsOf<Fields extends readonly Field[]> = { readonly [Name in SealedName<Fields>]: FieldProtection } & {
  readonly [Name in PlainName<Fields>]?: 'secret';
};

/** Which fields of which events are not for everybody; what is sealed must be named. */
export type ProtectedFields<E extends EventFields> = {
  readonly [Type in keyof E as [SealedName<E[Type]>] extends [never] ? never : Type]: KindsOf<E[Type]>;
} & { readonly [Type in keyof E as [SealedName<E[Type]>] extends [never] ? Type : never]?: KindsOf<E[Type]> };

/** A state that is not that of something absent. */
export type Present<State> = Exclude<State, { readonly status: 'absent' }>;

/** What each request must know of it at once is its state: it is kept as a document, and listed while it lives. */
export interface StandingDefinition<State> {
  /** Whose lists it is on; undefined: the one of the installation. */
  listedWith(state: Present<State>): string | readonly string[] | undefined;
  /** By what time the list is sorted, in milliseconds since the epoch; null: it is on it no more. */
  listedAt(state: Present<State>): number | null;
  /** Whether it belongs to what its owner has; left out: while it is listed. */
  isThere?(state: Present<State>): boolean;
}

export interface AggregateDefinition<Category extends string, E extends EventFields, State, Standing> {
  /** The streams are called `<category>-<subject>`. */
  readonly category: Category;
  /**
   * Of numbered parts of the things of that category, each with a history of its own: what such a part is called, in small
   * letters. Their streams are called `<category>-<subject>-<part>-<number>`, so no subject may end like that.
   */
  readonly part?: string;
  /** The Kafka topic of its events. */
  readonly topic: `defter.${string}`;
  readonly events: E;
  readonly fields: ProtectedFields<E>;
  /** Old versions' way to the present one, by event type; steps are never removed. See upcast.ts. */
  readonly upcasts?: { readonly [Type in keyof E]?: readonly UpcastStep[] };
  /**
   * What a stream's events are kept in order with those of other streams by: those of one key are one partition's. The stream
   * itself, if left out. Told by the stream's name, since who reads with a token knows no more of it.
   */
  readonly partitionKey?: (stream: string) => string;
  /** How many events a stream can have. */
  readonly longest: number | 'unbounded';
  readonly initial: State;
  /** Pure, and it names nothing outside itself: of what it called, `shape` would not see a change. */
  readonly evolve: (state: State, event: EventOf<E>) => State;
  readonly standing: Standing;
}

/** An aggregate, whichever it is. */
export interface AnyAggregate {
  readonly category: string;
  readonly part?: string;
  readonly topic: string;
  readonly partitionKey?: (stream: string) => string;
  readonly upcasts?: Upcasters;
  /** By event type and name. */
  readonly fields: Readonly<Record<string, Readonly<Record<string, FieldProtection | undefined>> | undefined>>;
  readonly longest: number | 'unbounded';
  readonly initial: unknown;
  readonly standing: StandingDefinition<unknown> | undefined;
  /** The Avro schema of each event type, at its present version. */
  readonly schemas: Readonly<Record<string, RecordSchema>>;
  /** What states are made by, as a text that changes with it: snapshots by another `evolve` are void. */
  readonly shape: string;
  /** Whether this is one of its events. */
  owns(event: RecordedEvent): boolean;
  /** What an event makes of a state; one that is not its own changes nothing. */
  evolve(state: unknown, event: RecordedEvent): unknown;
  /** The stream of one of them, by the pieces of its name; of a part by its thing's and its number. */
  stream(...subject: readonly string[]): string;
  /** The name of the sorted set that lists those of an owner, or of the installation. */
  list(owner?: string): string;
}

export interface Aggregate<Category extends string, E extends EventFields, State, Standing>
  extends
    Omit<AggregateDefinition<Category, E, State, Standing>, 'evolve'>,
    Pick<AnyAggregate, 'schemas' | 'shape' | 'stream' | 'list'> {
  owns(event: RecordedEvent): event is EventOf<E>;
  readonly evolve: (state: State, event: RecordedEvent) => State;
}

type Listed<State> = StandingDefinition<State> | undefined;

export function defineAggregate<
  const Category extends string,
  const E extends EventFields,
  State,
  const Standing extends Listed<State>,
>(definition: AggregateDefinition<Category, E, State, Standing>): Aggregate<Category, E, State, Standing> {
  const { category, part, events, evolve } = definition;
  const owns = (event: RecordedEvent): event is EventOf<E> => Object.hasOwn(events, event.type);
  const schemas = Object.fromEntries(
    Object.entries(events).map(([name, fields]) => [name, { type: 'record', name, fields }]),
  );
  return {
    ...definition,
    schemas: schemas as AnyAggregate['schemas'],
    shape: JSON.stringify([definition.initial, schemas, evolve.toString()]),
    owns,
    evolve: (state, event) => (owns(event) ? evolve(state, event) : state),
    stream: (...subject) =>
      [category, ...(part === undefined ? subject : [...subject.slice(0, -1), part, ...subject.slice(-1)])].join('-'),
    list: (owner) => (owner === undefined ? `list:${category}` : `list:${category}:${owner}`),
  };
}
