// What is not the same in two JSON values, member by member. Lists are compared place by place. Written here: of the
// libraries the ones that are kept take a member called like one of every object (`constructor`) for one that is there, or
// do not say what was there before.

import { jsonPointer } from '#platform/json-pointer.ts';

export type Change =
  | { readonly path: string; readonly op: 'added'; readonly to: unknown }
  | { readonly path: string; readonly op: 'removed'; readonly from: unknown }
  | { readonly path: string; readonly op: 'changed'; readonly from: unknown; readonly to: unknown };

type Container = Readonly<Record<string, unknown>> | readonly unknown[];

const isContainer = (value: unknown): value is Container => typeof value === 'object' && value !== null;

/**
 * In the order of the members, those that were removed or changed before those that were added. Put onto `from` they make
 * `to`, if places are taken off the end of a list from the last to the first. null stands for nothing at all.
 */
export function changesBetween(from: unknown, to: unknown): Change[] {
  const changes: Change[] = [];
  compare([], from ?? undefined, to ?? undefined, changes);
  return changes;
}

function compare(path: readonly PropertyKey[], from: unknown, to: unknown, changes: Change[]): void {
  if (isContainer(from) && isContainer(to) && Array.isArray(from) === Array.isArray(to)) {
    const [before, after] = [membersOf(from), membersOf(to)];
    for (const [name, value] of before) compare([...path, name], value, after.get(name), changes);
    for (const [name, value] of after) if (!before.has(name)) compare([...path, name], undefined, value, changes);
  } else if (from !== to) {
    const pointer = jsonPointer(path);
    if (from === undefined) changes.push({ path: pointer, op: 'added', to });
    else if (to === undefined) changes.push({ path: pointer, op: 'removed', from });
    else changes.push({ path: pointer, op: 'changed', from, to });
  }
}

/** A member that is undefined is none, as in JSON. */
const membersOf = (value: Container) =>
  new Map(Object.entries(value as object).filter(([, member]) => member !== undefined));
