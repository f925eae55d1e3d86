import { createSecretKey, randomBytes } from 'node:crypto';
import { expect } from 'chai';
import fc from 'fast-check';
import {
  type ConsistencyEntry,
  createConsistencyTokens,
  MOST_CHARACTERS,
  MOST_ENTRIES,
} from '#platform/consistency/consistency-token.ts';

const secret = createSecretKey(randomBytes(32));
const tokens = createConsistencyTokens({ secret, generation: 'g1' });
const entry = (stream: string, position: bigint, topic = 'defter.inference'): ConsistencyEntry => ({
  stream,
  topic,
  position,
});

describe('consistency token', () => {
  it('reads what was issued', () => {
    const anyEntry = fc.record({
      stream: fc.string({ minLength: 1, maxLength: 60 }).filter((text) => text.isWellFormed()),
      topic: fc.constantFrom('defter.identity', 'defter.models', 't'),
      position: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    });
    const unlike = { maxLength: 20, selector: ({ stream, topic }: ConsistencyEntry) => `${topic} ${stream}` };
    fc.assert(
      fc.property(fc.string(), fc.uniqueArray(anyEntry, unlike), (tenantId, entries) => {
        const token = tokens.issue(tenantId, entries);
        expect(token).to.match(/^[A-Za-z0-9_-]+$/);
        expect(tokens.read(tenantId, token)).to.deep.equal({ ok: true, entries });
      }),
    );
  });

  it('is short: one write of one stream fits 140 characters', () => {
    const token = tokens.issue('acme', [entry('inference-0199d1a2-0000-7000-8000-000000000000', 123_456_789n)]);
    expect(token.length).to.be.at.most(140);
  });

  it('knows which holder, generation and server it is of', () => {
    const token = tokens.issue('acme', [entry('s', 1n)]);
    expect(tokens.read('other', token)).to.deep.equal({ ok: false, reason: 'other-holder' });
    const restored = createConsistencyTokens({ secret, generation: 'g2' });
    expect(restored.read('acme', token)).to.deep.equal({ ok: false, reason: 'other-generation' });
    const stranger = createConsistencyTokens({ secret: createSecretKey(randomBytes(32)), generation: 'g1' });
    expect(stranger.read('acme', token)).to.deep.equal({ ok: false, reason: 'forged' });
  });

  it('refuses every change of a bit, every cut and every garbage', () => {
    const token = tokens.issue('acme', [entry('s', 1n), entry('t', 2n)]);
    const bytes = Buffer.from(token, 'base64url');
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      expect(tokens.read('acme', changed.toString('base64url'))).to.have.property('ok', false);
    }
    for (let length = 0; length < token.length; length++) {
      expect(tokens.read('acme', token.slice(0, length))).to.have.property('ok', false);
    }
    for (const garbage of [
      '',
      ',',
      'null',
      'çok',
      `${token}=`,
      `${token} `.repeat(2),
      `${token},`,
      'A'.repeat(200_000),
    ]) {
      expect(tokens.read('acme', garbage)).to.have.property('ok', false);
    }
    fc.assert(fc.property(fc.string(), (text) => !tokens.read('acme', text).ok));
  });

  it('reads several, joined by commas, and answers the highest position of each stream', () => {
    const one = tokens.issue('acme', [entry('a', 5n), entry('b', 1n)]);
    const two = tokens.issue('acme', [entry('a', 3n), entry('b', 9n), entry('c', 2n, 'defter.models')]);
    expect(tokens.read('acme', `${one}, ${two}`)).to.deep.equal({
      ok: true,
      entries: [entry('a', 5n), entry('b', 9n), entry('c', 2n, 'defter.models')],
    });
    const foreign = tokens.issue('other', [entry('a', 5n)]);
    expect(tokens.read('acme', `${one},${foreign}`)).to.deep.equal({ ok: false, reason: 'other-holder' });
    const many = Array.from({ length: 17 }, () => tokens.issue('acme', [])).join(',');
    expect(tokens.read('acme', many)).to.deep.equal({ ok: false, reason: 'malformed' });
  });

  it('is bounded', () => {
    const streams = (count: number) =>
      Array.from({ length: count }, (_, index) => entry(`inference-${String(index).padStart(36, '0')}`, 1n));
    const largest = tokens.issue('acme', streams(MOST_ENTRIES));
    expect(largest.length).to.be.at.most(MOST_CHARACTERS);
    expect(tokens.read('acme', largest)).to.have.property('ok', true);
    expect(() => tokens.issue('acme', streams(MOST_ENTRIES + 1))).to.throw(RangeError);
    expect(() => tokens.issue('acme', [entry('x'.repeat(256), 1n)])).to.throw(RangeError);
    expect(() => tokens.issue('acme', [entry('x', -1n)])).to.throw(RangeError);
    expect(() => tokens.issue('acme', [entry('x', 1n, '')])).to.throw(RangeError);
  });
});
