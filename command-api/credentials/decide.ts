import { createEvent, type Origin } from '#events/create-event.ts';
import type { CredentialState } from '#events/credential.ts';
import type { NewEvent } from '#events/envelope.ts';

export interface StoreCredential {
  readonly name: string;
  readonly kind: 'openai';
  readonly last4: string;
  /** Names the value in the vault. */
  readonly secretId: string | null;
  /** The variable that holds the value, when it is not in the vault. */
  readonly environment: string | null;
  readonly origin: Origin;
}

export function decideStoreCredential(
  { origin, ...data }: StoreCredential,
  state: CredentialState,
): readonly NewEvent[] {
  return state.status === 'absent' ? [createEvent('CredentialStored', data, origin)] : [];
}

export const decideDeleteCredential = (origin: Origin, state: CredentialState): readonly NewEvent[] =>
  state.status === 'stored' ? [createEvent('CredentialDeleted', {}, origin)] : [];
