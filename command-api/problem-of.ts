// What a caller is told when the platform refuses a write.

import { problems } from '#contracts/problems.ts';
import {
  AppendOutcomeUnknown,
  EventStoreBusy,
  EventTooLarge,
  WrongExpectedRevision,
} from '#platform/event-store/event-store.ts';
import { PreconditionFailed } from '#platform/event-store/handle-command.ts';
import { Interrupted } from '#platform/patience/persist.ts';
import { PasswordsBusy } from '#platform/auth/passwords.ts';
import { isStorageFault, isTransient } from '#platform/errors.ts';
import { Problem } from '#platform/http/problem.ts';

const soon = { 'retry-after': '1' };

/** Undefined for an error that nobody foresaw. */
export function problemOf(error: unknown): Problem | undefined {
  if (error instanceof PreconditionFailed) {
    const errors = [{ in: 'header' as const, pointer: '/if-match', message: `is ${error.expected}` }];
    return new Problem(problems['revision-mismatch'], {
      detail: `It is at revision ${error.actual ?? 'none'}.`,
      errors,
    });
  }
  if (error instanceof EventStoreBusy)
    return new Problem(problems.overloaded, { detail: 'Too many writes are waiting.', headers: soon, cause: error });
  if (error instanceof PasswordsBusy)
    return new Problem(problems.overloaded, { detail: 'Too many passwords are waiting.', headers: soon, cause: error });
  if (error instanceof AppendOutcomeUnknown)
    return new Problem(problems.unavailable, {
      detail: 'The write may or may not have happened; send it again with the same Idempotency-Key.',
      headers: soon,
      cause: error,
    });
  if (error instanceof WrongExpectedRevision)
    return new Problem(problems.conflict, {
      detail: 'Others changed it at the same time.',
      headers: soon,
      cause: error,
    });
  if (error instanceof EventTooLarge)
    return new Problem(problems['invalid-request'], { detail: 'This is more than an event can hold.', cause: error });
  if (isStorageFault(error))
    return new Problem(problems.unavailable, {
      detail: 'The server cannot write to its disk now; send it again later.',
      headers: { 'retry-after': '30' },
      cause: error,
    });
  if (isTransient(error) || error instanceof Interrupted)
    return new Problem(problems.unavailable, {
      detail: 'A server that this needs does not answer now; send it again.',
      headers: soon,
      cause: error,
    });
  return undefined;
}
