import { pause } from '#platform/patience/back-off.ts';

/** How the work ends, but not before so many milliseconds: where it must not be seen how much there was to do. */
export async function atLeast<T>(ms: number, work: Promise<T>): Promise<T> {
  const [ended] = await Promise.allSettled([work, pause(ms)]);
  if (ended.status === 'rejected') throw ended.reason;
  return ended.value;
}
