import type { ApiKeyState } from '#events/api-key.ts';
import { createEvent, type Origin } from '#events/create-event.ts';
import type { NewEvent } from '#events/envelope.ts';

export interface IssueApiKey {
  readonly name: string;
  readonly hash: string;
  readonly last4: string;
  readonly scopes: readonly string[];
  readonly expiresAt: number | null;
  readonly models: readonly string[] | null;
  readonly personId: string | null;
  readonly origin: Origin;
}

export function decideIssueApiKey({ origin, ...data }: IssueApiKey, state: ApiKeyState): readonly NewEvent[] {
  return state.status === 'absent' ? [createEvent('ApiKeyIssued', data, origin)] : [];
}

export const decideRevokeApiKey = (origin: Origin, state: ApiKeyState): readonly NewEvent[] =>
  state.status === 'active' ? [createEvent('ApiKeyRevoked', {}, origin)] : [];
