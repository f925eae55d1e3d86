import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { identifyApiKey } from '#platform/auth/api-key.ts';
import { createAuthenticator, type KeyRecord } from '#platform/auth/authenticate.ts';

const key = randomBytes(24).toString('hex');
const { id, hash } = identifyApiKey(key);
const issued: KeyRecord = { tenantId: 'acme', hash, permissions: ['inference:read'], active: true, expiresAt: null };

/** Answers what `records` holds, one after the other, and tells what was asked. */
function authenticatorOver(...records: readonly (KeyRecord | undefined)[]) {
  const asked: (string | undefined)[] = [];
  const authenticate = createAuthenticator(async (keyId, knownTenantId) => {
    expect(keyId).to.equal(id);
    asked.push(knownTenantId);
    return records[asked.length - 1];
  }, 'platform');
  return { ask: (at = 0) => authenticate(`Bearer ${key}`, at), asked };
}

describe('who is calling', () => {
  it('is asked for each time, from the second time on with the tenant of the key', async () => {
    const { ask, asked } = authenticatorOver(undefined, issued, issued, { ...issued, active: false });
    expect(await ask()).to.deep.equal({ ok: false, reason: 'unknown' });
    expect(await ask()).to.have.nested.property('caller.tenantId', 'acme');
    expect(await ask()).to.have.property('ok', true);
    expect(await ask()).to.deep.equal({ ok: false, reason: 'revoked' });
    expect(asked).to.deep.equal([undefined, undefined, 'acme', 'acme']);
  });

  it('is nobody with a key of another secret, or one that has expired', async () => {
    const { ask } = authenticatorOver({ ...issued, hash: identifyApiKey(`${key}x`).hash }, { ...issued, expiresAt: 5 });
    expect(await ask()).to.deep.equal({ ok: false, reason: 'unknown' });
    expect(await ask(5)).to.deep.equal({ ok: false, reason: 'expired' });
  });
});
