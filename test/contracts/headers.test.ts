// What the document says of a request's headers is what is read.

import { expect } from 'chai';
import { requestHeaders } from '#contracts/headers.ts';
import { problems } from '#contracts/problems.ts';
import { readIdempotencyKey, readIfMatch } from '#platform/http/request-headers.ts';

const patternOf = (name: 'Idempotency-Key' | 'If-Match') => new RegExp(requestHeaders[name].schema.pattern);

describe('the patterns of headers', () => {
  for (const key of ['a', '"a"', 'a b', '9b1deb4d-3b7d', '"with [brackets] and spaces"', '~', '"~"', 'a"b', 'a\\b'])
    it(`take the Idempotency-Key ${key}`, () => {
      expect(key).to.match(patternOf('Idempotency-Key'));
      expect(readIdempotencyKey({ 'idempotency-key': key }, problems)).to.equal(key.replaceAll(/^"|"$/g, ''));
    });
  for (const key of ['', '"', '"a', '""', 'ü', 'a\u0007', 'x'.repeat(256)])
    it(`refuse the Idempotency-Key ${JSON.stringify(key).slice(0, 20)}`, () => {
      expect(key).not.to.match(patternOf('Idempotency-Key'));
      expect(() => readIdempotencyKey({ 'idempotency-key': key }, problems)).to.throw();
    });
  for (const [tag, read] of [
    ['"3"', 3],
    ['*', 'stream_exists'],
  ] as const)
    it(`take the If-Match ${tag}`, () => {
      expect(tag).to.match(patternOf('If-Match'));
      expect(readIfMatch({ 'if-match': tag }, problems)).to.equal(read);
    });
  for (const tag of ['', '3', 'W/"3"', '"3", "4"', '"x"', `"${'1'.repeat(16)}"`])
    it(`refuse the If-Match ${tag}`, () => {
      expect(tag).not.to.match(patternOf('If-Match'));
      expect(() => readIfMatch({ 'if-match': tag }, problems)).to.throw();
    });
});
