import type { RecordedEvent } from '#events/envelope.ts';

/** What the platform must be told of the events that it stores and moves. */
export interface EventLanguage {
  readonly types: ReadonlyMap<string, { readonly schema: object; readonly version: number }>;
  readonly upcast: (event: RecordedEvent) => RecordedEvent;
  /** The names of the types that such a stream holds; undefined for a kind of stream that the program does not know. */
  readonly typesOf: (stream: string) => ReadonlySet<string> | undefined;
  /** undefined for a kind of stream that the program does not know. */
  readonly topicOf: (stream: string) => string | undefined;
  /** What the streams of these topics begin with, each name before its dash. */
  readonly categoriesOf: (topics: readonly string[]) => ReadonlySet<string>;
  /** What decides the partition of a stream's events in its topic; the stream itself for most. */
  readonly partitionKeyOf: (stream: string) => string;
  readonly topics: readonly string[];
  /** Every version of every type that was ever released, the present ones included. */
  readonly released: () => readonly { readonly type: string; readonly version: number; readonly schema: object }[];
}
