import { createSecretKey, randomBytes } from 'node:crypto';
import { expect } from 'chai';
import type { ApiKey } from '#events/api-key.ts';
import type { Caller } from '#platform/http/route.ts';
import { createKeySecret, shownKey } from '../../command-api/api-keys/key-secret.ts';
import type { CommandOrigin } from '../../command-api/origin.ts';
import { ORIGIN } from '../support/given-decider.ts';

const ID = '0198a2f4-7c1e-7b0a-9f43-5d1c2b3a4e5f';
const MAKER = { kind: 'api-key', id: 'k1' } as const;
const issued: ApiKey = {
  name: 'ci',
  hash: 'ab',
  last4: 'wxyz',
  scopes: [],
  expiresAt: null,
  models: null,
  personId: null,
  tenantId: 'acme',
  createdBy: MAKER,
  createdAt: 1_000,
  requestsPerMinute: null,
  successor: null,
};
const caller = (actor: Caller['actor']): Caller => ({
  tenantId: 'acme',
  actor,
  holder: 'acme',
  permissions: new Set(),
  permissionsIn: () => undefined,
});
const origin = (repeatable: boolean): CommandOrigin => ({ ...ORIGIN, subjectId: ID, repeatable });

describe('the secret of a new key', () => {
  const secret = createSecretKey(randomBytes(32));

  it('is the same again for a repeatable command, and never otherwise', () => {
    const make = (repeatable: boolean) => createKeySecret(secret, ID, origin(repeatable));
    expect(make(true)).to.equal(make(true));
    expect(make(false)).not.to.equal(make(false));
    expect(make(true)).not.to.equal(createKeySecret(createSecretKey(randomBytes(32)), ID, origin(true)));
  });

  it('is shown when it is made, and to the same caller again for ten minutes', () => {
    const shown = (outcome: 'appended' | 'replayed', actor: Caller['actor'], now: number) =>
      shownKey('dft_x', issued, caller(actor), { outcome }, now);
    expect(shown('appended', MAKER, 1_000)).to.equal('dft_x');
    expect(shown('replayed', MAKER, 600_999)).to.equal('dft_x');
    expect(shown('replayed', MAKER, 601_000)).to.equal(null);
    expect(shown('replayed', { kind: 'api-key', id: 'k2' }, 1_001)).to.equal(null);
    expect(shown('replayed', { kind: 'user', id: 'k1' }, 1_001)).to.equal(null);
  });
});
