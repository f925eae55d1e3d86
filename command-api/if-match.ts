import type { IfMatch } from '#platform/http/route.ts';

/** The revision that the caller wants to change, for `handleCommand`; `*` asks only that there is something to change. */
export const ifMatched = (ifMatch: IfMatch | undefined): { readonly expected?: number } =>
  typeof ifMatch === 'number' ? { expected: ifMatch } : {};
