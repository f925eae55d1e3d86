// The port through which models are run. An adapter (a "runtime") knows how to bring one kind of model into memory
// and run a batch on it. It knows nothing of tenants, events or HTTP; loading once, the memory budget and unloading
// are the model host's work, not the runtime's.

import { NamedError } from '../errors.ts';

/** What the host needs to load a model. `revision` changes whenever the definition does, so a changed model is loaded anew. */
export interface ModelSpec {
  /** Unique among loaded models: owner and name, e.g. `platform/language-id`. */
  readonly key: string;
  readonly revision: number;
  readonly runtime: string;
  /** Runtime-specific: a folder of models/ (tensorflow), a base URL (openai). */
  readonly source: string;
  /** Runtime-specific settings, e.g. `{ upstreamModel: 'gpt-5-mini' }`. */
  readonly options: Readonly<Record<string, unknown>>;
  /** The credential's value, when the model names one. Never logged. */
  readonly secret?: string;
}

export interface RunItem {
  /** The caller's id for this item; tokens are reported under it. */
  readonly id: string;
  /** What the model is given, already checked against its limits. */
  readonly input: unknown;
}

export type RunResult =
  | {
      readonly ok: true;
      readonly output: unknown;
      readonly usage: { readonly inputTokens: number; readonly outputTokens: number };
    }
  | {
      readonly ok: false;
      readonly error: RunError;
    };

/** `code` is a kebab-case word, `message` is safe to show to the caller, `retriable` says whether the same input may succeed later. */
export interface RunError {
  readonly code: string;
  readonly message: string;
  readonly retriable: boolean;
}

export interface RunOptions {
  /** One set of parameters for the whole batch, defaults already filled in. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Called with each piece of text as it comes, for models that stream. Must not throw. */
  readonly onToken?: (id: string, text: string) => void;
  /** Aborting an item's signal ends that item early with code `cancelled`; the others go on. */
  readonly signals?: ReadonlyMap<string, AbortSignal>;
  /** Wall-clock limit for the whole run, in milliseconds; past it each unfinished item fails with `timeout`. */
  readonly deadlineMs: number;
}

export interface LoadedModel {
  /** Memory held while loaded, in bytes (0 for a remote one). */
  readonly bytes: number;
  /**
   * Resolves, for runtimes that can break while nobody calls them (a thread that dies idle), with why the model is of no
   * more use; stays pending for ever otherwise. The host then closes it and the next call loads it anew.
   */
  readonly broken?: Promise<Error>;
  /**
   * Resolves with one result per item, in order. For an item that streamed, the pieces given to `onToken` are, put
   * together, the text of its output. Rejects only when the runtime itself broke (a dead thread) or was closed.
   */
  run(items: readonly RunItem[], options: RunOptions): Promise<RunResult[]>;
  /** Ends what still runs (its `run` rejects) and frees the memory. May be called twice. */
  close(): Promise<void>;
}

export interface ModelRuntime {
  /** A guess at `bytes` before loading, so that the host can make room first; without it nothing is set aside. */
  estimateBytes?(spec: ModelSpec): Promise<number>;
  /** Throws `ModelLoadError` naming what is wrong when the model cannot be loaded. */
  load(spec: ModelSpec): Promise<LoadedModel>;
  /** Closes every model it loaded and ends every load under way. */
  close(): Promise<void>;
}

/** What went wrong while loading. The message names it for operators; it may hold paths, so callers are not shown it. */
export class ModelLoadError extends NamedError {
  readonly code = 'model-load-failed';
  readonly retriable: boolean;
  constructor(message: string, retriable = false, options?: ErrorOptions) {
    super(message, options);
    this.retriable = retriable;
  }
}
