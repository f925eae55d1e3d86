import type { Middleware } from '#platform/http/context.ts';
import type { Platform } from '#platform/platform.ts';

/** What reads access tokens, loaded where requests are taken: other services carry no library of tokens. */
export async function openAccessTokens(use: Platform['use']): Promise<Middleware> {
  const { accessKeys } = await use(['accessKeys']);
  const { accessTokens } = await import('#platform/http/access-tokens.ts');
  return accessTokens(accessKeys);
}
