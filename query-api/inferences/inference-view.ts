// An inference as its readers see it, made from the state that its two events fold into.

import type { InferenceState } from '#events/inference.ts';
import { type Contents, showErased } from '#platform/content/content.ts';

type Present = Exclude<InferenceState, { status: 'absent' }>;

export interface InferenceView {
  readonly id: string;
  readonly status: 'queued' | 'running' | 'completed' | 'failed' | 'cancelled';
  readonly model: string;
  readonly input: unknown;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly output: unknown;
  readonly usage: { readonly inputTokens: number; readonly outputTokens: number } | null;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly createdAt: string;
  readonly completedAt: string | null;
}

const isoTime = (ms: number) => new Date(ms).toISOString();

/** `running` is what the live channel says of a request that has no end yet. */
export async function viewInference(
  id: string,
  state: Present,
  running: boolean,
  contents: Pick<Contents, 'open'>,
): Promise<InferenceView> {
  const { request } = state;
  const { model, parameters } = request.data;
  const input = showErased(await contents.open(request.metadata, request.data.input));
  const view: InferenceView = {
    id,
    status: running ? 'running' : state.status,
    model,
    input,
    parameters: Object.fromEntries(Object.entries(parameters).map(([name, text]) => [name, JSON.parse(text)])),
    output: null,
    usage: null,
    error: null,
    createdAt: isoTime(request.at),
    completedAt: state.status === 'queued' ? null : isoTime(state.result.at),
  };
  switch (state.status) {
    case 'queued':
    case 'cancelled':
      return view;
    case 'completed': {
      const { output, inputTokens, outputTokens } = state.result.data;
      const opened = showErased(await contents.open(state.result.metadata, output));
      return { ...view, output: opened, usage: { inputTokens, outputTokens } };
    }
    case 'failed': {
      const { code, message } = state.result.data;
      return { ...view, error: { code, message: String(showErased(await contents.open(state.result.metadata, message))) } };
    }
  }
}
