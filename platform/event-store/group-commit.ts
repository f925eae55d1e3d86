// Group commit: what arrived while the last commit was running becomes one transaction, so that the price of a sync to
// disk is shared by all who wait for it. Each request is decided on its own: one refused leaves its neighbours alone.

import { asError, isSqliteBusy } from '../errors.ts';
import { AppendOutcomeUnknown, EventStoreBusy, WrongExpectedRevision } from './event-store.ts';

export interface AppendTransaction<Request, Answer> {
  begin(): void;
  /** Throws `WrongExpectedRevision` before it has written anything; any other error spoils the transaction. */
  apply(request: Request): Answer;
  /** Durable when it returns. */
  commit(): void;
  rollback(): void;
}

export interface GroupCommit<Request, Answer> {
  append(request: Request): Promise<Answer>;
  /** Commits what waits; after it nothing is taken in. */
  drain(): void;
}

interface Waiting<Request, Answer> {
  readonly request: Request;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

/** Bounds how long one transaction can be. */
const largestGroup = 1_024;

/** `committed` hears of each commit that wrote something, before anyone who waited for it. */
export function createGroupCommit<Request, Answer>(
  transaction: AppendTransaction<Request, Answer>,
  committed: () => void,
): GroupCommit<Request, Answer> {
  type Member = Waiting<Request, Answer>;
  let queue: Member[] = [];
  let closed = false;

  function run(group: readonly Member[]): Error | undefined {
    try {
      transaction.begin();
      const settlements = group.map(({ request, resolve, reject }) => {
        try {
          const answer = transaction.apply(request);
          return () => resolve(answer);
        } catch (error) {
          if (!(error instanceof WrongExpectedRevision)) throw error;
          return () => reject(error);
        }
      });
      transaction.commit();
      committed();
      for (const settle of settlements) settle();
      return undefined;
    } catch (error) {
      transaction.rollback();
      return asError(error);
    }
  }

  function runGroup(group: readonly Member[]): void {
    const error = run(group);
    if (!error) return;
    if (isSqliteBusy(error)) {
      const busy = new EventStoreBusy(`another process holds the event log: ${error.message}`);
      for (const { reject } of group) reject(busy);
      return;
    }
    for (const member of group) {
      const again = group.length === 1 ? error : run([member]);
      if (again) member.reject(new AppendOutcomeUnknown(`the event log failed: ${again.message}`));
    }
  }

  function runQueue(): void {
    const group = queue.slice(0, largestGroup);
    queue = queue.slice(largestGroup);
    if (queue.length > 0) setImmediate(runQueue);
    if (group.length > 0) runGroup(group);
  }

  return {
    append(request) {
      if (closed) return Promise.reject(new EventStoreBusy('the event store is closing'));
      return new Promise((resolve, reject) => {
        // After this round of the loop, so that all messages that came meanwhile are in the group.
        if (queue.length === 0) setImmediate(runQueue);
        queue.push({ request, resolve, reject });
      });
    },
    drain() {
      closed = true;
      while (queue.length > 0) runQueue();
    },
  };
}
