import { atMost } from '../patience/within.ts';

/** Lets one member of each group work at a time; the others wait in the order in which they came. */
export function createGroupTurns() {
  const last = new Map<string, Promise<void>>();
  return {
    /** Resolves when it is this member's turn, or the signal aborts; the function it gives ends the turn either way. */
    async take(group: string, signal: AbortSignal): Promise<() => void> {
      const before = last.get(group) ?? Promise.resolve();
      const { promise: mine, resolve: leave } = Promise.withResolvers<void>();
      last.set(
        group,
        before.then(() => mine),
      );
      await atMost(Infinity, before, signal);
      return leave;
    },
  };
}
