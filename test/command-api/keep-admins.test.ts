// A tenant never loses its last administrator: of two who take the role from each other one is refused, whatever the order
// of their steps, and wherever one of them dies.

import { expect } from 'chai';
import { PERMISSIONS } from '#contracts/permissions.ts';
import fc from 'fast-check';
import { userRoutes } from '#contracts/users.ts';
import { admins } from '#events/admins.ts';
import { createEvent } from '#events/create-event.ts';
import { members } from '#events/member.ts';
import { PLATFORM } from '#events/model.ts';
import { categoryOf } from '#events/streams.ts';
import { users } from '#events/user.ts';
import { loadState } from '#platform/event-store/load-state.ts';
import { Problem } from '#platform/http/problem.ts';
import { newId } from '#platform/new-id.ts';
import { actsAsAdmin, addAdmin } from '../../command-api/members/keep-admins.ts';
import { removeMember, setRole } from '../../command-api/members/set-role.ts';
import { createSwitchHandlers } from '../../command-api/users/switches.ts';
import { callerWith, callRoute, routePortsOf } from '../support/call-route.ts';
import { ORIGIN } from '../support/given-decider.ts';
import { plainContent, plainContents } from '../support/given-projection.ts';
import { openPeoplePorts, type PeoplePorts } from '../support/people-ports.ts';
import { refusal } from '../support/refusal.ts';

const TENANT = 'acme';
const keysLeft = async () => [];
const by = () => ({ ...ORIGIN, commandId: newId(), eventId: newId(), repeatable: false });

/** Whoever asks holds everything. */
const held = new Set<string>(PERMISSIONS);

describe('the last administrator of a tenant', () => {
  let ports: PeoplePorts;
  beforeEach(async () => (ports = await openPeoplePorts()));
  afterEach(() => ports.keyring.close());

  const set = (userId: string, role: string) =>
    setRole(ports, { tenantId: TENANT, userId, role, held, mayAppoint: true, now: 1, origin: by() });
  const remove = (userId: string) => removeMember(ports, { tenantId: TENANT, userId, held, keysLeft, origin: by() });

  async function person(id: string): Promise<string> {
    const name = plainContent(id);
    const data = { email: plainContent(`${id}@example.com`), name, language: 'en' };
    const hash = { hash: plainContent('$argon2id$'), mustChange: false, keptSession: null };
    const events = [
      createEvent('UserInvited', data, by()),
      createEvent('UserRegistered', { name, language: 'en' }, by()),
      createEvent('PasswordSet', hash, by()),
    ];
    await ports.store.append(users.stream(id), events, 'no_stream');
    return id;
  }

  const roleOf = async (userId: string) => {
    const stream = members.stream(TENANT, userId);
    const { state } = await loadState({ store: ports.store, stream, decider: members });
    return state.status === 'active' ? state.member.role : state.status;
  };
  const listed = async () =>
    (await loadState({ store: ports.store, stream: admins.stream(TENANT), decider: admins })).state.userIds;

  async function two(): Promise<readonly [string, string]> {
    const both = [await person('a'), await person('b')] as const;
    for (const id of both) await set(id, 'admin');
    return both;
  }

  it('is listed before the membership says so, and off the list before it says so no more', async () => {
    const [a, b] = await two();
    await set(a, 'viewer');
    await set(a, 'admin');
    await remove(b);
    const log = (await ports.store.readAll(0n, 100)).filter(({ stream }) => categoryOf(stream) !== 'user');
    const appointed = ['AdminAdded', 'MembershipOffered', 'MembershipAccepted'];
    const lowered = ['AdminRemoved', 'MembershipRoleChanged'];
    const raised = ['AdminAdded', 'MembershipRoleChanged'];
    const out = ['AdminRemoved', 'MembershipRevoked'];
    const all = [appointed, appointed, lowered, raised, out].flat();
    expect(log.map(({ type }) => type)).to.deep.equal(all);
    expect(new Set(log.map(({ metadata }) => metadata.tenantId))).to.deep.equal(new Set([TENANT]));
  });

  it('neither loses the role nor is taken out', async () => {
    const [a, b] = await two();
    await set(a, 'member');
    expect(await refusal(Problem, set(b, 'viewer'))).to.include({ code: 'last-admin', status: 409 });
    expect(await refusal(Problem, remove(b))).to.include({ code: 'last-admin' });
    expect(await roleOf(b)).to.equal('admin');
    expect((await remove(a)).state.status).to.equal('revoked');
  });

  it('is who stays when the other is disabled, was only invited, or was listed by one who died', async () => {
    const a = await person('a');
    await set(a, 'admin');
    const b = await person('b');
    await addAdmin(ports, { tenantId: TENANT, userId: b, origin: by() });
    expect(await refusal(Problem, remove(a))).to.include({ code: 'last-admin' });
    await set(b, 'viewer');
    expect(await refusal(Problem, remove(a))).to.include({ code: 'last-admin' });
    await set(b, 'admin');
    const disabled = createEvent('UserDisabled', {}, by());
    await ports.store.append(users.stream(b), [disabled], 'stream_exists');
    expect(await refusal(Problem, remove(a))).to.include({ code: 'last-admin' });
    await ports.store.append(users.stream(b), [createEvent('UserEnabled', {}, by())], 'stream_exists');
    expect((await remove(a)).state.status).to.equal('revoked');
  });

  it('who is no account yet is invited rather than appointed, and is not listed', async () => {
    const data = { email: plainContent('c@x.org'), name: plainContent(null), language: 'en' };
    await ports.store.append(users.stream('c'), [createEvent('UserInvited', data, by())], 'no_stream');
    expect((await set('c', 'admin')).state.status).to.equal('offered');
    expect(await listed()).to.deep.equal([]);
  });

  it('of two who take the role from each other at once one is refused', async () => {
    for (let round = 0; round < 20; round++) {
      ports.keyring.close();
      ports = await openPeoplePorts();
      const [a, b] = await two();
      const both = await Promise.allSettled([set(a, 'viewer'), round % 2 ? remove(b) : set(b, 'member')]);
      expect(both.map(({ status }) => status)).to.have.members(['fulfilled', 'rejected']);
      const refused = both.find((one) => one.status === 'rejected') as PromiseRejectedResult;
      expect(refused.reason).to.include({ code: 'last-admin' });
      expect([await roleOf(a), await roleOf(b)].filter((role) => role === 'admin')).to.have.length(1);
    }
  });

  it('is finished with where one died between the two events', async () => {
    const [a, b] = await two();
    ports.before.append = (stream) => {
      if (categoryOf(stream) === members.category) throw new Error('died');
    };
    await refusal(Error, set(a, 'viewer'));
    delete ports.before.append;
    expect([await listed(), await roleOf(a)]).to.deep.equal([[b], 'admin']);
    expect(await refusal(Problem, remove(b))).to.include({ code: 'last-admin' });
    // The role is said anew, so that the list and the membership agree again.
    await set(a, 'admin');
    expect(await listed()).to.have.members([a, b]);
    expect((await remove(b)).state.status).to.equal('revoked');
    expect(await refusal(Problem, set(a, 'viewer'))).to.include({ code: 'last-admin' });
  });

  it('is not taken out for the sake of one whose role is just being taken', async () => {
    const [a, b] = await two();
    const reached = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    ports.before.append = (stream) => {
      if (stream !== members.stream(TENANT, a)) return undefined;
      reached.resolve();
      return held.promise;
    };
    const taken = set(a, 'viewer');
    await reached.promise;
    // Another gives them the role meanwhile, and dies half-way.
    await addAdmin(ports, { tenantId: TENANT, userId: a, origin: by() });
    expect(await refusal(Problem, remove(b))).to.include({ code: 'last-admin' });
    held.resolve();
    await taken;
    expect([await roleOf(a), await roleOf(b)]).to.deep.equal(['viewer', 'admin']);
  });

  describe('of the platform', () => {
    const platform = { tenantId: PLATFORM };
    const appoint = (userId: string) =>
      setRole(ports, { ...platform, userId, role: 'platform-admin', held, mayAppoint: true, now: 1, origin: by() });
    const takeRole = (userId: string) => removeMember(ports, { ...platform, userId, held, keysLeft, origin: by() });
    const turn = async (id: 'disableUser' | 'enableUser', userId: string) => {
      const contents = { ...plainContents, seal: async (_: string, value: unknown) => plainContent(value) };
      const handlers = createSwitchHandlers({ ...routePortsOf(ports), contents });
      const caller = callerWith(['platform'], { actor: { kind: 'user', id: 'root' } });
      const params = { id: userId };
      return callRoute([{ route: userRoutes[id], handle: handlers[id] as never }], id, caller, { params });
    };
    const acting = async (ids: readonly string[]) => {
      const found: string[] = [];
      for (const id of ids) {
        const user = await loadState({ store: ports.store, stream: users.stream(id), decider: users });
        const isAdmin = await actsAsAdmin(ports, PLATFORM, id);
        if (isAdmin && user.state.status === 'active') found.push(id);
      }
      return found;
    };
    beforeEach(() => ports.keyring.createSubject('root'));

    it('is not disabled, and who is disabled is none until they are enabled', async () => {
      const [a, b] = [await person('a'), await person('b')];
      await appoint(a);
      expect(await refusal(Problem, turn('disableUser', a))).to.include({ code: 'is-platform-admin' });
      await turn('disableUser', b);
      expect(await refusal(Problem, appoint(b))).to.include({ code: 'conflict', status: 409 });
      expect(await refusal(Problem, takeRole(a))).to.include({ code: 'last-admin' });
      await turn('enableUser', b);
      await appoint(b);
      await takeRole(a);
      expect(await acting([a, b])).to.deep.equal([b]);
      await turn('disableUser', a);
    });

    it('remains where someone is appointed while they are just being disabled', async () => {
      const [a, b] = [await person('a'), await person('b')];
      await appoint(a);
      const reached = Promise.withResolvers<void>();
      const held = Promise.withResolvers<void>();
      ports.before.append = (stream) => {
        if (stream !== users.stream(b)) return undefined;
        reached.resolve();
        return held.promise;
      };
      const disabled = turn('disableUser', b);
      await reached.promise;
      expect(await refusal(Problem, appoint(b))).to.include({ code: 'conflict' });
      expect(await refusal(Problem, takeRole(a))).to.include({ code: 'last-admin' });
      held.resolve();
      await disabled;
      expect(await acting([a, b])).to.deep.equal([a]);
    });
  });

  it('remains, in whatever order many change, take and give roles, though some die half-way', async function () {
    this.timeout(60_000);
    const people = ['a', 'b', 'c'];
    const command = fc.record({
      who: fc.constantFrom(...people),
      what: fc.constantFrom('admin', 'admin', 'viewer', 'viewer', 'out'),
      // Rounds of the event loop before each of its appends; -1 dies there.
      steps: fc.array(fc.integer({ min: -1, max: 6 }), { minLength: 4, maxLength: 4 }),
    });
    const tick = () => new Promise((resolve) => setImmediate(resolve));
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: 2, maxLength: 6 }), async (commands) => {
        const own = await openPeoplePorts();
        ports.keyring.close();
        ports = own;
        await two();
        await person('c');
        await Promise.allSettled(
          commands.map(({ who, what, steps }) => {
            const waits = [...steps];
            const store = {
              ...own.store,
              async append(...args: Parameters<typeof own.store.append>) {
                const wait = waits.shift() ?? 0;
                for (let round = 0; round < wait; round++) await tick();
                if (wait === -1) throw new Error('died');
                return own.store.append(...args);
              },
            };
            const change = { tenantId: TENANT, userId: who, mayAppoint: true, now: 1, origin: by() };
            return what === 'out'
              ? removeMember({ ...own, store }, { ...change, held, keysLeft })
              : setRole({ ...own, store }, { ...change, held, role: what });
          }),
        );
        expect(await Promise.all(people.map(roleOf))).to.include('admin');
      }),
      { numRuns: 600 },
    );
  });
});
