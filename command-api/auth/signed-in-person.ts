import { problems } from '#contracts/problems.ts';
import { Problem } from '#platform/http/problem.ts';
import type { Caller } from '#platform/http/route.ts';

/** The person who calls. Throws 403 for a key. */
export function signedInPerson({ actor, sessionId }: Caller): { readonly userId: string; readonly sessionId: string } {
  if (actor.kind === 'user' && sessionId !== undefined) return { userId: actor.id, sessionId };
  throw new Problem(problems.forbidden, { detail: 'This is for people who are signed in; an API key has none of it.' });
}
