import type { RecordedEvent } from '#events/envelope.ts';
import type { InferenceRequest } from '#events/inference.ts';
import type { Model } from '#events/model.ts';
import type { DispatchedItem } from './dispatcher.ts';

/** One request on its way through a model. */
export interface Job extends DispatchedItem {
  /** The inference's id. */
  readonly id: string;
  readonly event: RecordedEvent;
  readonly request: InferenceRequest;
  readonly model: Model;
  /** What was asked, opened only when it is about to run: thousands may be waiting. */
  readonly open: () => Promise<unknown>;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** From 1; more after the process died while this request ran. */
  readonly attempt: number;
  /** Of a request that may have brought the process down: awaited before each of its runs, with the run's number. */
  readonly begins?: (attempt: number) => Promise<void>;
  /** Aborted when the request is cancelled. */
  readonly signal: AbortSignal;
  /** Called once, when the request's end is in the log. */
  readonly ended: () => void;
}

/** Requests of one model, owner and all, are limited and batched together. */
export const modelKeyOf = (request: InferenceRequest) => `${request.modelOwner}/${request.model}`;

/** Equal for requests whose parameters are equal; the parameters' own order does not matter. */
export function batchKeyOf(request: InferenceRequest, attempt: number, id: string): string {
  // What may have brought the process down runs alone.
  if (attempt > 1) return `alone:${id}`;
  const parameters = Object.entries(request.parameters).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([request.form, parameters]);
}
