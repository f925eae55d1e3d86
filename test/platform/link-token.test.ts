import { createSecretKey, randomBytes, randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { createLinkToken, linkTokenFits, readLinkToken } from '#platform/auth/link-token.ts';

const serverKey = createSecretKey(randomBytes(32));
const eventId = randomUUID();
const subject = `tenant/${randomUUID()}`;

describe('a link token', () => {
  const text = createLinkToken(serverKey, 'invitation', subject, eventId);
  const token = readLinkToken(text)!;

  it('says its purpose and whom it concerns, and needs no encoding in a URL', () => {
    expect(token).to.include({ purpose: 'invitation', subject });
    expect(encodeURIComponent(text)).to.equal(text);
  });

  it('fits the event that offered it alone', () => {
    expect(linkTokenFits(serverKey, token, eventId)).to.equal(true);
    expect(linkTokenFits(serverKey, token, randomUUID())).to.equal(false);
  });

  it('fits under no other key and for no other purpose', () => {
    expect(linkTokenFits(createSecretKey(randomBytes(32)), token, eventId)).to.equal(false);
    expect(linkTokenFits(serverKey, { ...token, purpose: 'password-reset' }, eventId)).to.equal(false);
  });

  for (const [what, changed] of [
    ['its end is cut off', text.slice(0, -1)],
    ['something is added', `${text}A`],
    ['it has no mac', text.split('.')[0]!],
    ['its head is no head', `AAAA.${token.mac}`],
    ['it is empty', ''],
    ['a line break follows', `${text}\n`],
  ] as const)
    it(`is none when ${what}`, () => {
      expect(readLinkToken(changed)).to.equal(undefined);
    });

  it('is not made for a subject with a space', () => {
    expect(() => createLinkToken(serverKey, 'invitation', 'a b', eventId)).to.throw(TypeError);
  });
});
