// What a client makes of a difference: the changes put onto the value that they begin with.

import { partsOfPointer } from '#platform/json-pointer.ts';
import type { Change } from '../../query-api/replay/changes.ts';

type Container = Record<string, unknown>;

/** null stands for nothing at all. */
export function applyChanges(from: unknown, changes: readonly Change[]): unknown {
  const whole: { value: unknown } = { value: structuredClone(from) };
  // Places at the end of a list go from the last to the first.
  const removed = changes.filter(({ op }) => op === 'removed').toReversed();
  for (const change of [...removed, ...changes.filter(({ op }) => op !== 'removed')]) {
    const parts = ['value', ...partsOfPointer(change.path)];
    const name = parts.pop() ?? '';
    const place = parts.reduce<unknown>((at, part) => (at as Container)[part], whole) as Container;
    if (change.op !== 'removed')
      Object.defineProperty(place, name, { value: change.to, writable: true, enumerable: true, configurable: true });
    else if (Array.isArray(place)) place.splice(Number(name), 1);
    else delete place[name];
  }
  return whole.value ?? null;
}
