// What is said on the live channel, and where. Nothing depends on its arrival.

/** Tokens of one inference as they come, and its end. */
export const inferenceChannel = (inferenceId: string) => `inference:${inferenceId}`;

export type InferenceMessage =
  | { readonly type: 'started'; readonly attempt: number }
  | { readonly type: 'token'; readonly text: string; readonly attempt: number }
  /** The end is in the log; whoever waits reads it there. */
  | { readonly type: 'ended' };

/** Inferences that were cancelled, for the worker that may be running one. */
export const CANCELLATIONS = 'inference-cancellations';

export interface CancellationMessage {
  readonly inferenceId: string;
}

/** How much an inference worker has before it, said a few times a second by each. */
export const WORKLOAD = 'inference-workload';

export interface WorkloadMessage {
  /** The worker's own id, as long as it lives. */
  readonly worker: string;
  /** Those that it was given and that have not ended, by model (owner/name). */
  readonly models: Readonly<Record<string, ModelWorkload>>;
  /** By number of the partition: the position of the last request that it was given there. */
  readonly given: Readonly<Record<string, string>>;
}

export interface ModelWorkload {
  /** By tenant. */
  readonly waiting: Readonly<Record<string, number>>;
  /** How many it ends in a second while it has work; absent until it has ended one. */
  readonly perSecond?: number;
}

/** What changed in lists, said by each process of projectors at most once a second for each read model. */
export const LIST_CHANGES = 'list-changes';

export interface ListChangesMessage {
  /** By tenant, then by what the list is of: how many events changed it. */
  readonly changes: Readonly<Record<string, Readonly<Record<string, number>>>>;
}
