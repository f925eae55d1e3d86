import { expect } from 'chai';
import { createEvent } from '#events/create-event.ts';
import { Problem } from '#platform/http/problem.ts';
import { createMoments, requireInOrder, viewMoment } from '../../query-api/replay/moments.ts';
import { ORIGIN } from '../support/given-decider.ts';
import { openPast } from '../support/past-run.ts';

const idOf = (n: number) => `018f0000-0000-7000-8000-${String(n).padStart(12, '0')}`;
const renamed = (n: number) =>
  ['tenant-acme', createEvent('TenantRenamed', { name: `n${n}` }, { ...ORIGIN, eventId: idOf(n) })] as const;

const faultOf = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.fail('it was taken'),
    (error: unknown) => {
      if (!(error instanceof Problem)) throw error;
      return { status: error.status, errors: error.errors };
    },
  );

describe('a moment', () => {
  // One event a second, from the first on.
  let run: Awaited<ReturnType<typeof openPast>>;
  before(async () => void (run = await openPast(Array.from({ length: 60 }, (_, n) => renamed(n)))));
  after(() => run.close());

  const at = async (asked: { readonly time: number } | { readonly position: bigint } | undefined, hidden = false) => {
    const { fresh, store, request } = run;
    // An index that is far behind, as far as it can be.
    const nothing = { search: async () => [], aggregate: async () => [] };
    const behind = { of: async () => nothing } as unknown as Pick<typeof fresh, 'of'>;
    const moments = createMoments({ store, fresh: hidden ? behind : fresh, now: () => 60_000 });
    const text = asked && ('time' in asked ? new Date(asked.time).toISOString() : String(asked.position));
    return moments(request.caller, text, '/at');
  };
  const placeOf = async (...asked: Parameters<typeof at>) => {
    const { position, time } = await at(...asked);
    return { position, time };
  };

  for (const hidden of [false, true]) {
    const how = hidden ? 'from the log alone' : 'from the index';
    it(`is the last event at or before a time, ${how}`, async () => {
      const { positions } = run;
      expect(await placeOf({ time: 999 }, hidden)).to.deep.equal({ position: 0n, time: null });
      expect(await placeOf({ time: 1_000 }, hidden)).to.deep.equal({ position: positions[0], time: 1_000 });
      expect(await placeOf({ time: 30_999 }, hidden)).to.deep.equal({ position: positions[29], time: 30_000 });
      expect(await placeOf({ time: 64_999 }, hidden)).to.deep.equal({ position: positions[59], time: 60_000 });
    });

    it(`is the position itself, with the time of the last event up to there, ${how}`, async () => {
      const [first = 0n, second = 0n] = run.positions;
      expect(await placeOf({ position: 0n }, hidden)).to.deep.equal({ position: 0n, time: null });
      expect(await placeOf({ position: first - 1n }, hidden)).to.deep.equal({ position: first - 1n, time: null });
      expect(await placeOf({ position: second }, hidden)).to.deep.equal({ position: second, time: 2_000 });
      expect(await placeOf({ position: second + 1n }, hidden)).to.deep.equal({ position: second + 1n, time: 2_000 });
      expect(await placeOf(undefined, hidden)).to.deep.equal({ position: run.positions[59], time: 60_000 });
    });
  }

  it('is not beyond the end of the log, nor in the future', async () => {
    const head = run.positions.at(-1) ?? 0n;
    expect(await faultOf(at({ position: head + 1n }))).to.deep.equal({
      status: 422,
      errors: [{ in: 'query', pointer: '/at', message: `is beyond the end of the log, which is at ${head}` }],
    });
    expect(await faultOf(at({ time: 65_001 }))).to.deep.equal({
      status: 422,
      errors: [{ in: 'query', pointer: '/at', message: 'is in the future' }],
    });
  });

  it('says what the clock showed: the time asked for, that of the event, or the present', async () => {
    expect((await at({ time: 30_999 })).clock).to.equal(30_999);
    expect((await at({ position: run.positions[1] ?? 0n })).clock).to.equal(2_000);
    expect((await at(undefined)).clock).to.equal(60_000);
  });

  it('is shown as text, and two are in order or refused', async () => {
    const [one, two] = [await at({ time: 1_000 }), await at({ time: 2_000 })];
    expect(viewMoment(one)).to.deep.equal({ position: String(run.positions[0]), time: '1970-01-01T00:00:01.000Z' });
    requireInOrder(one, one);
    requireInOrder(one, two);
    const errors = await faultOf(Promise.resolve().then(() => requireInOrder(two, one)));
    expect(errors.status).to.equal(422);
    expect(errors.errors?.map(({ pointer }) => pointer)).to.deep.equal(['/from', '/to']);
  });
});
