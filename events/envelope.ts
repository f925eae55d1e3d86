// What every event carries, whatever its type. The only file of events/ that platform/ knows.

/** Who can cause an event: an API key, a person, or Defter itself. */
export const ACTOR_KINDS = ['api-key', 'user', 'system'] as const;

export interface Actor {
  readonly kind: (typeof ACTOR_KINDS)[number];
  readonly id: string;
}

export interface EventMetadata {
  readonly tenantId: string;
  readonly actor: Actor;
  readonly $correlationId: string;
  /** The command (or event) that led to this one; for events of a command this is the command's id. */
  readonly $causationId: string;
  readonly schemaVersion: number;
  /** Names the data key that sealed this event's erasable fields; absent when it has none. */
  readonly keyId?: string;
  readonly traceparent?: string;
}

export interface NewEvent<Type extends string = string, Data = unknown> {
  /** UUID: v7, or v5 derived from a command's id so that a retry is the same event. */
  readonly id: string;
  readonly type: Type;
  readonly data: Data;
  readonly metadata: EventMetadata;
}

export interface RecordedEvent<Type extends string = string, Data = unknown> extends NewEvent<Type, Data> {
  readonly stream: string;
  /** 0-based in its stream. */
  readonly revision: number;
  /** In the whole log; strictly increasing, not dense. */
  readonly position: bigint;
  /** Milliseconds since the epoch. */
  readonly recordedAt: number;
}
