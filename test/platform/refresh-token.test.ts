import { createSecretKey, randomBytes, randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { createRefreshToken, readRefreshToken } from '#platform/auth/refresh-token.ts';

const serverKey = createSecretKey(randomBytes(32));
const sessionId = randomUUID();

describe('a refresh token', () => {
  const text = createRefreshToken(serverKey, { sessionId, number: 7 });

  it('says its session and number, also where its mac holds what parts them', () => {
    for (let number = 0; number < 200; number++) {
      const token = createRefreshToken(serverKey, { sessionId, number });
      expect(readRefreshToken(serverKey, token)).to.deep.equal({ sessionId, number });
    }
  });

  it('is the same each time it is made', () => {
    expect(createRefreshToken(serverKey, { sessionId, number: 7 })).to.equal(text);
  });

  for (const [what, changed] of [
    ['of another number', text.replace('_00000007_', '_00000008_')],
    ['of another session', text.replace(sessionId, randomUUID())],
    ['of another server', createRefreshToken(createSecretKey(randomBytes(32)), { sessionId, number: 7 })],
    ['without its end', text.slice(0, -1)],
    ['with a line break', `${text}\n`],
    ['of another kind', text.replace('dfr_', 'dft_')],
    ['of nothing', ''],
  ] as const)
    it(`${what} is none`, () => {
      expect(readRefreshToken(serverKey, changed)).to.equal(undefined);
    });
});
