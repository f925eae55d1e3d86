import { expect } from 'chai';
import { type Origin, createEvent } from '#events/create-event.ts';
import { letterRequestOf, projections } from '#events/projection.ts';
import { decideRebuild, decideRollback, decideTakeUp } from '../../command-api/operations/decide.ts';
import { FED_AFTER_SWITCH_MS, KEPT_AFTER_SWITCH_MS } from '../../projectors/projections/read-model.ts';
import {
  decideAbandon,
  decideRetire,
  decideShapeRebuild,
  decideSwitch,
  versionToRetire,
} from '../../projectors/versions/decide.ts';
import { given, ORIGIN, recorded } from '../support/given-decider.ts';

const decider = projections;
const stream = 'projection-audit';
const another = (n: number): Origin => ({ ...ORIGIN, eventId: `event-${n}`, commandId: `command-${n}` });
const requested = (
  version: number,
  kind: 'rebuild' | 'rollback' = 'rebuild',
  onDifference: 'switch' | 'keep' = 'switch',
) => createEvent('ProjectionRebuildRequested', { version, kind, onDifference, reason: null }, another(version));
const switched = (from: number, to: number) =>
  createEvent('ProjectionSwitched', { from, to, comparison: null }, another(100 + to));
const same = { documents: 5, different: 0, examples: [], checksum: '00000000000000aa' };
const different = { ...same, different: 2, examples: ['a', 'b'] };
const asked = { onDifference: 'switch', reason: null, origin: ORIGIN } as const;

describe('the versions of a read model', () => {
  describe('a rebuild', () => {
    const rebuild = (state: typeof projections.initial) => decideRebuild(asked, state);

    it('builds the next version', () => {
      const { state } = given(decider, stream)
        .when(rebuild)
        .thenEvents({
          type: 'ProjectionRebuildRequested',
          data: { version: 2, kind: 'rebuild', onDifference: 'switch', reason: null },
        });
      expect(state).to.deep.include({ live: 1, highest: 2 });
      expect(state.candidate).to.include({ version: 2, kind: 'rebuild', requestId: ORIGIN.eventId });
    });
    it('never uses a number twice', () => {
      given(decider, stream, [
        requested(2),
        createEvent('ProjectionRebuildAbandoned', { version: 2, reason: 'x', comparison: null }, ORIGIN),
      ])
        .when((state) => decideRebuild({ ...asked, origin: another(9) }, state))
        .thenEvents({
          type: 'ProjectionRebuildRequested',
          data: { version: 3, kind: 'rebuild', onDifference: 'switch', reason: null },
        });
    });
    it('waits for the one under way', () => {
      given(decider, stream, [requested(2)])
        .when(rebuild)
        .thenRefused('under-way');
    });
    it('is known when it is repeated, and when its key was used for another', () => {
      const past = [
        createEvent(
          'ProjectionRebuildRequested',
          { version: 2, kind: 'rebuild', onDifference: 'switch', reason: null },
          ORIGIN,
        ),
      ];
      given(decider, stream, past).when(rebuild).thenRefused('under-way');
    });
    it('is asked for by the program itself when the shape has changed, once', () => {
      const { state } = given(decider, stream)
        .when((before) => decideShapeRebuild(ORIGIN, before))
        .thenEvents({
          type: 'ProjectionRebuildRequested',
          data: {
            version: 2,
            kind: 'rebuild',
            onDifference: 'switch',
            reason: 'this program makes another shape of it',
          },
        });
      expect(decideShapeRebuild(another(2), state)).to.deep.equal([]);
    });
  });

  describe('a switch', () => {
    it('makes the new version live and keeps the old one', () => {
      const { state } = given(decider, stream, [requested(2)])
        .when((before) => decideSwitch({ to: 2, comparison: same, origin: ORIGIN }, before))
        .thenEvents({ type: 'ProjectionSwitched', data: { from: 1, to: 2, comparison: same } });
      expect(state).to.deep.include({ live: 2, candidate: null, kept: [{ version: 1, since: 1_000 }] });
      expect(state.last).to.deep.include({ outcome: 'switched', comparison: same });
    });
    it('goes on when there are differences, which is what a rebuild is for', () => {
      given(decider, stream, [requested(2)])
        .when((before) => decideSwitch({ to: 2, comparison: different, origin: ORIGIN }, before))
        .thenEvents({ type: 'ProjectionSwitched', data: { from: 1, to: 2, comparison: different } });
    });
    it('is left undone where it was asked to keep what is live then', () => {
      const { state } = given(decider, stream, [requested(2, 'rebuild', 'keep')])
        .when((before) => decideSwitch({ to: 2, comparison: different, origin: ORIGIN }, before))
        .thenEvents({
          type: 'ProjectionRebuildAbandoned',
          data: { version: 2, reason: '2 of 5 documents differ', comparison: different },
        });
      expect(state).to.deep.include({ live: 1, candidate: null, retired: [2] });
    });
    it('is not made to what is not asked for any more', () => {
      given(decider, stream, [requested(2), switched(1, 2)])
        .when((before) => decideSwitch({ to: 2, comparison: same, origin: ORIGIN }, before))
        .thenNothing();
    });
  });

  describe('a rollback', () => {
    const rollBack = (state: typeof projections.initial) => decideRollback(asked, state);

    it('goes back to the version that was live last', () => {
      const { state } = given(decider, stream, [requested(2), switched(1, 2), requested(3), switched(2, 3)])
        .when(rollBack)
        .thenEvents({
          type: 'ProjectionRebuildRequested',
          data: { version: 2, kind: 'rollback', onDifference: 'switch', reason: null },
        });
      expect(state.highest).to.equal(3);
      const back = projections.evolve(state, recorded(switched(3, 2), stream, 9, 5_000));
      expect(back).to.deep.include({
        live: 2,
        kept: [
          { version: 1, since: 1_000 },
          { version: 3, since: 5_000 },
        ],
      });
    });
    it('needs a version that is kept', () => {
      given(decider, stream).when(rollBack).thenRefused('none-kept');
    });
    it('keeps what it could not go back to', () => {
      const { state } = given(decider, stream, [requested(2), switched(1, 2), requested(1, 'rollback')])
        .when((before) => decideAbandon({ version: 1, reason: 'x', origin: ORIGIN }, before))
        .thenEvents({ type: 'ProjectionRebuildAbandoned', data: { version: 1, reason: 'x', comparison: null } });
      expect(state).to.deep.include({ live: 2, kept: [{ version: 1, since: 1_000 }], retired: [] });
    });
  });

  describe('an old version', () => {
    const after = (ms: number) => 1_000 + ms + 1;
    const afterOne = given(decider, stream, [requested(2), switched(1, 2)]).state;

    it('is kept for a day', () => {
      expect(versionToRetire(afterOne, after(FED_AFTER_SWITCH_MS))).to.equal(undefined);
      expect(versionToRetire(afterOne, after(KEPT_AFTER_SWITCH_MS))).to.equal(1);
    });
    it('makes room for the next rebuild, but never while it may still be read', () => {
      const { state } = given(decider, stream, [requested(2), switched(1, 2), requested(3)]);
      expect(versionToRetire(state, 1_000 + FED_AFTER_SWITCH_MS)).to.equal(undefined);
      expect(versionToRetire(state, after(FED_AFTER_SWITCH_MS))).to.equal(1);
    });
    it('is not removed while it is gone back to', () => {
      const { state } = given(decider, stream, [requested(2), switched(1, 2), requested(1, 'rollback')]);
      expect(versionToRetire(state, after(KEPT_AFTER_SWITCH_MS))).to.equal(undefined);
    });
    it('is retired once', () => {
      const now = after(KEPT_AFTER_SWITCH_MS);
      const { state } = given(decider, stream, [requested(2), switched(1, 2)])
        .when((before) => decideRetire({ version: 1, now, origin: ORIGIN }, before))
        .thenEvents({ type: 'ProjectionVersionRetired', data: { version: 1 } });
      expect(state).to.deep.include({ kept: [], retired: [1] });
      expect(decideRetire({ version: 1, now, origin: ORIGIN }, state)).to.deep.equal([]);
      expect(decideRollback({ ...asked, origin: another(9) }, state)).to.equal('none-kept');
    });
  });

  it('are left alone by what is asked of dead letters', () => {
    const letter = { stream: 'tenant-1', revision: 4, reason: 'mended' };
    for (const [kind, type] of [
      ['retry', 'DeadLetterRetried'],
      ['discard', 'DeadLetterDiscarded'],
    ] as const) {
      const { state } = given(decider, stream)
        .when((before) => decideTakeUp({ kind, ...letter, version: 1, origin: ORIGIN }, before))
        .thenEvents({ type, data: letter });
      expect(state).to.deep.equal(decider.initial);
      expect(decideTakeUp({ kind, ...letter, version: 2, origin: ORIGIN }, state)).to.equal('not-worked-on');
      const event = recorded(createEvent(type, letter, ORIGIN), stream, 3);
      expect(letterRequestOf(event)).to.deep.equal({ request: 3, stream: 'tenant-1', revision: 4, kind });
    }
    expect(letterRequestOf(recorded(switched(1, 2), stream, 0))).to.equal(undefined);
  });
});
