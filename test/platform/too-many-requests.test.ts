import { expect } from 'chai';
import { problems } from '#contracts/problems.ts';
import { tooManyRequests } from '#platform/http/too-many-requests.ts';

const headersFor = (retryAfterMs: number) =>
  tooManyRequests(problems['too-many-requests'], { detail: 'Too many.', retryAfterMs, headers: { 'x-more': '1' } })
    .headers;

describe('a refusal of too many requests', () => {
  it('says in whole seconds, and not too early, when to come again', () => {
    expect(headersFor(1)).to.deep.equal({ 'x-more': '1', 'retry-after': '1' });
    expect(headersFor(1_001)).to.include({ 'retry-after': '2' });
    expect(headersFor(60_000)).to.deep.equal({ 'x-more': '1', 'retry-after': '60' });
  });

  it('tells clients that would not wait for so long that it is useless to try again', () => {
    expect(headersFor(60_001)).to.include({ 'retry-after': '61', 'x-should-retry': 'false' });
    expect(headersFor(900_000)).to.include({ 'retry-after': '900', 'x-should-retry': 'false' });
  });
});
