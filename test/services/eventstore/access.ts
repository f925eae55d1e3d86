import { type Metadata, status } from '@grpc/grpc-js';
import { failure } from './wire.ts';

export interface Access {
  /** Rejects a call that does not carry the one user's name and password; without a user all may. */
  check(metadata: Metadata): Promise<void>;
}

export function createAccess(user: string | undefined, password: string | undefined): Access {
  const expected = user && `Basic ${Buffer.from(`${user}:${password ?? ''}`).toString('base64')}`;
  return {
    async check(metadata) {
      if (expected === undefined) return;
      if (metadata.get('authorization')[0] === expected) return;
      throw failure(status.UNAUTHENTICATED, 'Unauthenticated');
    },
  };
}
