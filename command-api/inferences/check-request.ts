// Whether a model can do what a request asks, and what exactly is asked once the model's defaults are filled in.

import type { Model } from '#events/model.ts';
import { type ParameterFault, resolveParameters } from './parameters.ts';

export type AskedInference =
  | { readonly form: 'input'; readonly input: string; readonly parameters: Readonly<Record<string, unknown>> }
  | { readonly form: 'chat'; readonly body: Readonly<Record<string, unknown>> };

export type CheckedRequest =
  | {
      readonly ok: true;
      /** What the model is given; content. */
      readonly input: unknown;
      readonly parameters: Readonly<Record<string, unknown>>;
    }
  | {
      readonly ok: false;
      readonly code: 'invalid-request' | 'input-too-long' | 'unsupported-by-model';
      readonly faults: readonly ParameterFault[];
    };

export function checkRequest(model: Model, asked: AskedInference): CheckedRequest {
  return asked.form === 'input' ? checkInput(model, asked) : checkChat(model, asked.body);
}

function checkInput(model: Model, asked: Extract<AskedInference, { form: 'input' }>): CheckedRequest {
  const tooLong = lengthFault(model, asked.input.length, '/input');
  if (tooLong) return tooLong;
  const resolved = resolveParameters(model, asked.parameters, '/parameters');
  if (!resolved.ok) return { ok: false, code: 'invalid-request', faults: resolved.faults };
  return { ok: true, input: asked.input, parameters: resolved.parameters };
}

/** The body of a chat travels whole; the model's defaults stand in for what it leaves out. */
function checkChat(model: Model, body: Readonly<Record<string, unknown>>): CheckedRequest {
  const { definition, defaults } = model;
  if (definition.task !== 'chat') {
    const message = `${definition.name} takes no messages; give it \`input\``;
    return { ok: false, code: 'unsupported-by-model', faults: [{ pointer: '/messages', message }] };
  }
  const tooLong = lengthFault(model, JSON.stringify(body['messages']).length, '/messages');
  if (tooLong) return tooLong;
  const { messages, ...given } = body;
  const resolved = resolveParameters({ definition, defaults }, given, '');
  if (!resolved.ok) return { ok: false, code: 'invalid-request', faults: resolved.faults };
  return { ok: true, input: { ...resolved.parameters, messages }, parameters: {} };
}

function lengthFault({ definition }: Model, length: number, pointer: string): CheckedRequest | undefined {
  if (length <= definition.maxInputChars) return undefined;
  const message = `is ${length} characters; ${definition.name} takes at most ${definition.maxInputChars}`;
  return { ok: false, code: 'input-too-long', faults: [{ pointer, message }] };
}
