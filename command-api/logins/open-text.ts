import type { Content } from '#events/content.ts';
import { type Contents, ERASED } from '#platform/content/content.ts';

/** A text that was sealed for a person; undefined once it was erased. */
export async function openText(
  contents: Pick<Contents, 'open'>,
  userId: string,
  sealed: Content,
): Promise<string | undefined> {
  const opened = await contents.open(userId, sealed);
  if (opened === ERASED) return undefined;
  if (typeof opened !== 'string') throw new TypeError('what was sealed for a person is no text');
  return opened;
}
