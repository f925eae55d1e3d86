import type { ThrownHere } from '../threads/thread-calls.ts';
import { plainData } from '../logging/plain-fields.ts';

/** An error as it can be posted: fields that cannot be cloned become plain, `code` and `retriable` survive. */
export function thrown(error: Error): ThrownHere {
  const { name, message, stack } = error;
  const own = Object.fromEntries(Object.entries(error).filter(([key]) => key !== 'name'));
  return { name, message, stack, fields: plainData(own) };
}
