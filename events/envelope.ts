// What every event carries, whatever its type. The only file of events/ that platform/ knows.

/** Who can cause an event: an API key, a person, or Defter itself. */
export const ACTOR_KINDS = ['api-key', 'user', 'system'] as const;

export interface Actor {
  readonly kind: (typeof ACTOR_KINDS)[number];
  readonly id: string;
}

/**
 * From where a command came: JSON of `address` and `client` (the user agent), sealed with the caller's own key where a
 * person called, else with the key of the caller's tenant, so that it can be erased.
 */
export interface SealedOrigin {
  /** Names the data key, and so whose it is. */
  readonly keyId: string;
  /** base64. */
  readonly sealed: string;
}

export interface EventMetadata {
  readonly tenantId: string;
  readonly actor: Actor;
  readonly $correlationId: string;
  /** The command (or event) that led to this one; for events of a command this is the command's id. */
  readonly $causationId: string;
  readonly schemaVersion: number;
  /** Absent for what Defter does by itself. */
  readonly origin?: SealedOrigin;
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
