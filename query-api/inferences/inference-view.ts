// An inference as its readers see it, made from the state that its two events fold into.

import type { InferenceView } from '#contracts/inference-answers.ts';
import { isoTime } from '#contracts/views.ts';
import type { InferenceState } from '#events/inference.ts';
import { type Contents, showErased } from '#platform/content/content.ts';

type Present = Exclude<InferenceState, { status: 'absent' }>;

/** `running` is what the live channel says of a request that has no end yet. */
export async function viewInference(
  id: string,
  state: Present,
  running: boolean,
  contents: Pick<Contents, 'open'>,
): Promise<InferenceView> {
  const { request } = state;
  const { model, form, parameters } = request.data;
  const opened = showErased(await contents.open(request.tenantId, request.data.input));
  const given = Object.fromEntries(
    Object.entries(parameters).map(([name, text]) => [name, JSON.parse(text) as unknown]),
  );
  const asked = form === 'chat' ? splitChat(opened) : { input: opened, parameters: given };
  const view: InferenceView = {
    id,
    status: running ? 'running' : state.status,
    model,
    ...asked,
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
      const answer = showErased(await contents.open(state.result.tenantId, output));
      return { ...view, output: answer, usage: { inputTokens, outputTokens } };
    }
    case 'failed': {
      const { code, message } = state.result.data;
      return {
        ...view,
        error: { code, message: String(showErased(await contents.open(state.result.tenantId, message))) },
      };
    }
  }
}

/** A chat is kept whole; its messages are what was asked, the rest is how. */
function splitChat(chat: unknown) {
  if (typeof chat !== 'object' || chat === null) return { input: chat, parameters: {} };
  const { messages, ...parameters } = chat as { readonly messages?: unknown };
  return { input: messages ?? null, parameters };
}
