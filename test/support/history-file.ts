// A history as text, to be kept and judged again.

import type { History } from './history.ts';

/** `more`: whatever else whoever reads it should know. */
export const printHistory = (history: History, more: Readonly<Record<string, unknown>> = {}): string =>
  JSON.stringify(
    { ...more, ...history },
    (_, value: unknown) => (typeof value === 'bigint' ? { position: String(value) } : value),
    1,
  );

export const parseHistory = (text: string): History =>
  JSON.parse(text, (_, value: unknown) => (isPosition(value) ? BigInt(value.position) : value)) as History;

const isPosition = (value: unknown): value is { readonly position: string } =>
  typeof value === 'object' &&
  value !== null &&
  Object.keys(value).length === 1 &&
  'position' in value &&
  typeof value.position === 'string';
