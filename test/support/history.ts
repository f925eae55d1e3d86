// What happened to a server from its callers' side, and what it says of itself in the end: the matter of history-checker.ts.
// Plain data: it is written to a file and read again (history-file.ts).

import type { RecordedEvent } from '#events/envelope.ts';
import type { RelayedRecord } from './check-relayed.ts';

export type InvariantName = 'I1' | 'I2' | 'I3' | 'I4' | 'I5' | 'I7' | 'I8';

export interface Violation {
  readonly invariant: InvariantName;
  /** One sentence that names the stream and the request. */
  readonly sentence: string;
}

/** A place in a stream. */
export interface Mark {
  readonly stream: string;
  readonly revision: number;
}

/** What a command's success says of its stream: it holds an event of this type with these members of its data. */
export interface Claim {
  readonly type: string;
  readonly where: Readonly<Record<string, unknown>>;
}

/** `unknown`: no answer came, or one that says the write may have happened. */
export type RequestOutcome =
  | { readonly as: 'unknown'; readonly why: string }
  | { readonly as: 'refused'; readonly status: number; readonly code: string }
  | ({ readonly as: 'acknowledged'; readonly status: number; readonly token: string } & Mark);

/** One command as it was sent once. */
export interface SentRequest {
  /** Its `x-request-id`, which the events that it leads to carry as their correlation id. */
  readonly request: string;
  /** Equal for all requests that may have one effect between them: tries of one Idempotency-Key, rival bodies too. */
  readonly command: string;
  /** Equal for requests with the same body. */
  readonly body: string;
  readonly what: string;
  readonly claim: Claim;
  /** True: it may find its effect there already and append nothing. */
  readonly mayChangeNothing: boolean;
  /** When it was sent and answered, in milliseconds since the epoch. */
  readonly sentAt?: number;
  answeredAt?: number;
  /** `no answer yet` while it is under way. */
  outcome: RequestOutcome;
}

/** What a read showed of a stream. */
export type Seen =
  | { readonly stream: string; readonly shows: 'revision'; readonly revision: number; readonly status?: string }
  /** A list or a door that says only whether the thing is alive. */
  | { readonly stream: string; readonly shows: 'alive' | 'nothing' };

/** One read that was answered. Reads that were told to come again (503) are none. */
export interface AnsweredRead {
  readonly request: string;
  readonly what: string;
  /** What the tokens that it carried stand for, of the streams that it covers. */
  readonly token: readonly Mark[];
  readonly seen: readonly Seen[];
  /** True: the audit was read, and the log says so. */
  readonly audited?: true;
}

/** What was done to the processes. Kept for whoever reads the history. */
export interface Happening {
  readonly at: number;
  readonly what: string;
}

/** Rows as the API gives them; only members that are named here are compared. */
export interface ReadModels {
  /** By id. */
  readonly inferences: readonly Row[];
  /** The list, by the status that it was asked for. */
  readonly lists: Readonly<Record<'all' | 'queued' | 'completed' | 'failed' | 'cancelled', readonly Row[]>>;
  readonly audit: readonly Row[];
  readonly keys: readonly Row[];
  readonly models: readonly Row[];
  readonly tenants: readonly Row[];
  /** The viewer's tenant as of some positions; left out where it was not asked for. */
  readonly asOf?: readonly TenantThen[];
  /** The read store's own, by key. */
  readonly documents: readonly { readonly key: string; readonly revision: number; readonly value: unknown }[];
  /** The search indices' own, by `<index>/<id>`; left out where they were not looked at. */
  readonly rows?: readonly IndexRow[];
}

export interface TenantThen {
  readonly position: string;
  /** By stream; states as `comparableState` tells them. */
  readonly rows: readonly Row[];
}

export interface IndexRow {
  readonly key: string;
  readonly revision: number;
  /** All but texts. */
  readonly fields: Readonly<Record<string, string | number | null>>;
}

/** What Kafka holds, read committed. */
export interface Relayed {
  /** By `<topic>/<partition>`, in the order of their offsets. */
  readonly records: Readonly<Record<string, readonly RelayedRecord[]>>;
  /** The last that the relay committed; 0n without any. */
  readonly checkpoint: bigint;
  readonly partitions: number;
}

/** A stream that a group had set aside once all was quiet, and that was retried then. */
export interface RetriedLetter {
  readonly group: string;
  readonly stream: string;
  readonly error: string;
  /** It is set aside still, or again. */
  readonly stands: boolean;
}

export type Row = Readonly<Record<string, unknown>>;

export interface History {
  readonly requests: readonly SentRequest[];
  readonly reads: readonly AnsweredRead[];
  readonly happenings: readonly Happening[];
  readonly log: readonly RecordedEvent[];
  readonly models: ReadModels;
  /** Left out where the bus reads the log itself. */
  readonly relayed?: Relayed;
  readonly letters?: readonly RetriedLetter[];
  /** Names of the read models that the installation keeps. */
  readonly readModels: readonly string[];
  /** Whose eyes the read models were seen through: it holds the permission `platform`. */
  readonly viewer: { readonly tenantId: string; readonly now: number };
}
