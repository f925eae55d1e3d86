// Which parameters a request may give a model, and what applies where it gives none.

import type { Model, ModelParameter } from '#events/model.ts';
import { didYouMean } from '#platform/nearest-name.ts';
import { jsonPointer } from '#platform/json-pointer.ts';

export interface ParameterFault {
  /** JSON pointer into the request's body. */
  readonly pointer: string;
  readonly message: string;
}

export type ResolvedParameters =
  | { readonly ok: true; readonly parameters: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly faults: readonly ParameterFault[] };

/** Fills in the model's defaults and checks each given value; `base` is the pointer of the object they were given in. */
export function resolveParameters(
  { definition, defaults }: Pick<Model, 'definition' | 'defaults'>,
  given: Readonly<Record<string, unknown>>,
  base: string,
): ResolvedParameters {
  const known = new Map(definition.parameters.map((parameter) => [parameter.name, parameter]));
  const faults = checkParameters(definition, given, base);
  if (faults.length > 0) return { ok: false, faults };
  const parameters: Record<string, unknown> = {};
  for (const [name, { default: text }] of known) if (text !== null) parameters[name] = JSON.parse(text);
  for (const [name, text] of Object.entries(defaults)) parameters[name] = JSON.parse(text);
  return { ok: true, parameters: { ...parameters, ...given } };
}

export function checkParameters(
  definition: Model['definition'],
  given: Readonly<Record<string, unknown>>,
  base: string,
): ParameterFault[] {
  return Object.entries(given).flatMap(([name, value]) => {
    const parameter = definition.parameters.find((candidate) => candidate.name === name);
    if (!parameter) {
      if (definition.anyParameter) return [];
      const names = definition.parameters.map((candidate) => candidate.name);
      const there = didYouMean(name, names) || `; it has ${names.join(', ') || 'none'}`;
      const message = `${definition.name} has no parameter ${name}${there}`;
      return [{ pointer: base + jsonPointer([name]), message }];
    }
    const message = faultOf(parameter, value);
    return message === undefined ? [] : [{ pointer: base + jsonPointer([name]), message }];
  });
}

function faultOf(parameter: ModelParameter, value: unknown): string | undefined {
  const { type, minimum, maximum, maxItems, maxLength } = parameter;
  switch (type) {
    case 'number':
    case 'integer': {
      const right = type === 'number' ? Number.isFinite(value) : Number.isSafeInteger(value);
      if (!right) return `must be ${type === 'number' ? 'a number' : 'an integer'}`;
      if (minimum !== null && (value as number) < minimum) return `must be at least ${minimum}`;
      if (maximum !== null && (value as number) > maximum) return `must be at most ${maximum}`;
      return undefined;
    }
    case 'string':
      return stringFault(value, maxLength);
    case 'string_array': {
      if (!Array.isArray(value)) return 'must be an array of strings';
      if (maxItems !== null && value.length > maxItems) return `must have at most ${maxItems} items`;
      return value.map((item) => stringFault(item, maxLength)).find((fault) => fault !== undefined);
    }
  }
}

function stringFault(value: unknown, maxLength: number | null): string | undefined {
  if (typeof value !== 'string') return 'must be a string';
  return maxLength !== null && value.length > maxLength ? `must be at most ${maxLength} characters` : undefined;
}
