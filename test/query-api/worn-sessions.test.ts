import { expect } from 'chai';
import { createEvent } from '#events/create-event.ts';
import type { NewEvent } from '#events/envelope.ts';
import { sessions } from '#events/session.ts';
import { evolveStanding, type Standing, standingDocument } from '#events/standing.ts';
import { users } from '#events/user.ts';
import { wornSessions } from '../../query-api/auth/worn-sessions.ts';
import { ORIGIN, recorded } from '../support/given-decider.ts';
import { createMemoryReadStore } from '../support/memory-read-store.ts';

const DAY = 86_400_000;
const sealed = { keyId: 'berta/2026-01-01', sealed: 'AA==', blob: null, bytes: 2 };
const person = [
  createEvent('UserInvited', { email: sealed, name: sealed, language: 'en' }, ORIGIN),
  createEvent('UserRegistered', { name: sealed, language: 'en' }, ORIGIN),
];

describe('the sessions of a person that are over', () => {
  const store = createMemoryReadStore();
  const write = async (stream: string, events: readonly NewEvent[], at = 1_000) => {
    const all = events.map((event, revision) => recorded(event, stream, revision, at));
    const standing = all.reduce<Standing | undefined>(evolveStanding, undefined);
    await store.apply([standingDocument(stream, events.length - 1, standing as Standing)]);
  };
  const started = (epoch: number, at: number, name: string) =>
    write(sessions.stream(name), [createEvent('SessionStarted', { userId: 'berta', epoch }, ORIGIN)], at);

  it('are those that expired, and those that a new password ended; one that has ended is on no list', async () => {
    const kept = createEvent('PasswordSet', { hash: sealed, mustChange: false, keptSession: 'kept' }, ORIGIN);
    await write(users.stream('berta'), [...person, kept]);
    await started(0, DAY, 'kept');
    await started(0, DAY, 'ended-by-password');
    await started(1, 2 * DAY, 'mine');
    const ended = createEvent('SessionEnded', { reason: 'logged_out' }, ORIGIN);
    const start = createEvent('SessionStarted', { userId: 'berta', epoch: 1 }, ORIGIN);
    await write(sessions.stream('gone'), [start, ended]);
    expect(await wornSessions(store, 'berta', 3 * DAY)).to.deep.equal(['ended-by-password']);
    expect(await wornSessions(store, 'berta', 31 * DAY)).to.have.members(['kept', 'ended-by-password']);
    expect(await wornSessions(store, 'nobody', 3 * DAY)).to.deep.equal([]);
  });

  it('are the oldest too, where there are more than a hundred', async () => {
    for (let n = 0; n < 101; n++) await started(1, 2 * DAY + 1 + n, `many-${n}`);
    const worn = await wornSessions(store, 'berta', 3 * DAY);
    // 104 are listed.
    expect(worn).to.have.members(['kept', 'ended-by-password', 'mine', 'many-0']);
  });
});
