// What the TensorFlow runtime and a model's thread say to each other. Messages are few: one each way for a batch that
// is classified; for generated text at most one per `groupPiecesMs` carries what every session has written since.

import type { RunResult } from './model-runtime.ts';

export interface ThreadStart {
  /** The model's folder, absolute. */
  readonly folder: string;
  /** The slice of time, in milliseconds, after which generated pieces are sent. */
  readonly groupPiecesMs: number;
}

export type ToThread =
  | {
      readonly type: 'run';
      readonly run: number;
      /** The items' inputs; the thread names items by their place. */
      readonly inputs: readonly unknown[];
      readonly parameters: Record<string, unknown>;
      readonly stream: boolean;
      /** Milliseconds since the epoch. */
      readonly deadline: number;
    }
  /** Items (by place in the run) whose outcome nobody waits for any more; answered by `alive`. */
  | { readonly type: 'drop'; readonly run: number; readonly places: readonly number[] };

export interface ThreadPiece {
  readonly run: number;
  readonly place: number;
  readonly text: string;
}

export interface ThreadResult {
  readonly run: number;
  readonly place: number;
  readonly result: RunResult;
}

export type FromThread =
  | { readonly type: 'ready'; readonly bytes: number; readonly engine: string }
  | { readonly type: 'failed'; readonly message: string }
  /** Pieces come before results, so a session's last piece never follows its result. */
  | { readonly type: 'progress'; readonly pieces: readonly ThreadPiece[]; readonly results: readonly ThreadResult[] }
  /** All results of a run, `RunResult[]` as JSON: for many small objects that takes half the time of a structured clone. */
  | { readonly type: 'results'; readonly run: number; readonly json: string }
  | { readonly type: 'alive' }
  /** An error of the model's own code, for the log: where it was thrown, never its message (it may quote the input). */
  | { readonly type: 'fault'; readonly error: string; readonly at: readonly string[] };
