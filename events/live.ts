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

/** How much the inference workers have before them, said a few times a second. */
export const WORKLOAD = 'inference-workload';

export interface WorkloadMessage {
  /** Requests accepted and not yet ended; an upper bound. */
  readonly outstanding: number;
  /** Those taken by a worker, by model (owner/name). */
  readonly models: Readonly<Record<string, number>>;
}
