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
  /** Requests on their way to it or at work there; an upper bound. */
  readonly outstanding: number;
  /** Those that it has taken, by model (owner/name). */
  readonly models: Readonly<Record<string, ModelWorkload>>;
}

export interface ModelWorkload {
  readonly waiting: number;
  /** How many it ends in a second while it has work; absent until it has ended one. */
  readonly perSecond?: number;
}
