// What is decided about people on one replica holds on every other from the answer on, also when Redis has lost what it held.

import { expect } from 'chai';
import { Redis } from 'ioredis';
import type { SignedIn } from '#contracts/people.ts';
import { ROLE_PERMISSIONS } from '#contracts/permissions.ts';
import type { UserView } from '#contracts/users.ts';
import { describeOn } from '../services/describe-on.ts';
import { type Api, createApi } from '../support/api-client.ts';
import { eventually } from '../support/eventually.ts';
import { expectProblem } from '../support/expect-problem.ts';
import { joinTenant, MANY_SIGN_IN, type Person } from '../support/people.ts';
import { type DistributedDefter, SHARED_SERVICES, startDistributed } from '../support/start-distributed.ts';
import { type StartedService, startService } from '../support/start-service.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

describeOn(SHARED_SERVICES, 'people, with two of each API', (shared) => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let defter: DistributedDefter;
  const beside: StartedService[] = [];
  /** Urls of the replicas of each API. */
  let commands: readonly string[];
  let queries: readonly string[];

  before(async function () {
    this.timeout(180_000);
    folder = await temporaryFolder();
    defter = await startDistributed(folder.path, shared, { CHECK_ANSWERS: 'on', ...MANY_SIGN_IN });
    const second = async (name: string) => {
      const started = await startService(name, defter.env);
      beside.push(started);
      return [defter.services.get(name)?.url ?? '', started.url];
    };
    [commands, queries] = await Promise.all([second('command-api'), second('query-api')]);
  });

  after(async function () {
    this.timeout(60_000);
    const codes = await Promise.all(
      beside.map(async (service) => [`second ${service.name}`, await service.stop()] as const),
    );
    const all = Object.fromEntries([...codes, ...(await defter.stop())]);
    await folder.remove();
    expect(all, defter.printed()).to.satisfy(() => Object.values(all).every((code) => code === 0));
  });

  const asOperator = () => createApi(defter.url, defter.key);
  const join = (inviter: Api, role: 'admin' | 'member' | 'viewer') => joinTenant(defter, inviter, role);
  async function signInAnew(person: Person): Promise<Person> {
    const body = { email: person.email, password: person.password };
    const { body: session } = await createApi(defter.url, undefined)<SignedIn>('POST', '/v1/auth/login', { body });
    return { ...person, session, api: createApi(defter.url, session.accessToken) };
  }
  const setRole = (api: Api, id: string, tenantId: string, role: string) =>
    api('PUT', `/v1/users/${id}/roles/${tenantId}`, { body: { role } });

  async function newTenant(name: string) {
    const { body } = await asOperator()<{ id: string }>('POST', '/v1/tenants', { body: { name } });
    const key = { name, scopes: ROLE_PERMISSIONS.admin, tenantId: body.id };
    const issued = await asOperator()<{ key: string }>('POST', '/v1/api-keys', { body: key });
    return { id: body.id, api: createApi(defter.url, issued.body.key) };
  }

  /** What a person may do, as each replica of the query API says. */
  const permissionsOf = (person: Person) =>
    Promise.all(
      queries.map(async (url) => {
        const me = await createApi(url, person.session.accessToken)<{ permissions: string[] }>('GET', '/v1/me');
        return me.status === 200 ? me.body.permissions.toSorted() : me.status;
      }),
    );
  const everywhere = <Value>(value: Value) => queries.map(() => value);
  const of = (role: keyof typeof ROLE_PERMISSIONS) => everywhere(ROLE_PERMISSIONS[role].toSorted());

  /** Removes all that this installation has in Redis. */
  async function emptyRedis(): Promise<number> {
    const redis = new Redis(defter.env['REDIS_URL'] ?? '');
    let removed = 0;
    try {
      for (let cursor = '0', first = true; first || cursor !== '0'; first = false) {
        const [next, keys] = await redis.scan(cursor, 'MATCH', `*${defter.env['NAMESPACE']}*`, 'COUNT', 1_000);
        if (keys.length > 0) removed += await redis.unlink(...keys);
        cursor = next;
      }
    } finally {
      redis.disconnect();
    }
    return removed;
  }

  it('a role, a disabling and a removal hold on each replica from the answer of one', async function () {
    this.timeout(60_000);
    const tenant = await newTenant('Everywhere');
    let person = await join(tenant.api, 'viewer');
    const [first, second] = commands.map((url) => createApi(url, defter.key));
    for (let round = 0; round < 5; round++)
      for (const api of [first, second]) {
        await setRole(api ?? asOperator(), person.id, tenant.id, 'member');
        expect(await permissionsOf(person)).to.deep.equal(of('member'));
        await setRole(api ?? asOperator(), person.id, tenant.id, 'viewer');
        expect(await permissionsOf(person)).to.deep.equal(of('viewer'));
        await (api ?? asOperator())('POST', `/v1/users/${person.id}/disable`);
        expect(await permissionsOf(person)).to.deep.equal(everywhere(401));
        await (api ?? asOperator())('POST', `/v1/users/${person.id}/enable`);
        expect(await permissionsOf(person)).to.deep.equal(everywhere(401));
        person = await signInAnew(person);
        expect(await permissionsOf(person)).to.deep.equal(of('viewer'));
      }
    await asOperator()('DELETE', `/v1/users/${person.id}/roles/${tenant.id}`);
    expect(await permissionsOf(person)).to.deep.equal(everywhere([]));
  });

  it('of two administrators who demote each other on two replicas at once one is refused', async function () {
    this.timeout(60_000);
    for (let round = 0; round < 5; round++) {
      const tenant = await newTenant(`Two replicas ${round}`);
      const [one, two] = [await join(tenant.api, 'admin'), await join(tenant.api, 'admin')];
      const both = await Promise.all([
        setRole(createApi(commands[0] ?? '', one.session.accessToken), two.id, tenant.id, 'viewer'),
        setRole(createApi(commands[1] ?? '', two.session.accessToken), one.id, tenant.id, 'viewer'),
      ]);
      expect(both.filter(({ status }) => status === 200)).to.have.length(1);
      const held = await Promise.all([permissionsOf(one), permissionsOf(two)]);
      expect(held).to.have.deep.members([of('admin'), of('viewer')]);
    }
  });

  it('one address that is invited on two replicas at once is one person', async function () {
    this.timeout(60_000);
    const tenant = await newTenant('Invited twice');
    for (let round = 0; round < 8; round++) {
      const both = await Promise.all(
        commands.map((url, n) => {
          const email = n ? `Twice-${round}@Example.com` : `twice-${round}@example.com`;
          return createApi(url, defter.key)<UserView>('POST', '/v1/users', {
            body: { email },
            headers: { 'x-tenant-id': tenant.id },
          });
        }),
      );
      expect(both.map(({ status }) => status)).to.deep.equal([201, 201]);
      expect(both[0]?.body.id).to.equal(both[1]?.body.id);
    }
  });

  it('nobody is let in, nor locked out, by a Redis that was emptied', async function () {
    this.timeout(120_000);
    const tenant = await newTenant('Emptied');
    const [admin, demoted, out] = [
      await join(tenant.api, 'admin'),
      await join(tenant.api, 'admin'),
      await join(tenant.api, 'member'),
    ];
    await setRole(admin.api, demoted.id, tenant.id, 'viewer');
    await asOperator()('POST', `/v1/users/${out.id}/disable`);
    expect(await emptyRedis()).to.be.greaterThan(0);
    expect(await permissionsOf(admin)).to.deep.equal(of('admin'));
    expect(await permissionsOf(demoted)).to.deep.equal(of('viewer'));
    expect(await permissionsOf(out)).to.deep.equal(everywhere(401));
    await emptyRedis();
    expectProblem(await setRole(demoted.api, admin.id, tenant.id, 'viewer'), 403, 'forbidden');
    expectProblem(await setRole(admin.api, admin.id, tenant.id, 'viewer'), 409, 'last-admin');
    await emptyRedis();
    expect((await setRole(admin.api, demoted.id, tenant.id, 'admin')).status).to.equal(200);
    expect(await permissionsOf(demoted)).to.deep.equal(of('admin'));
    // Projectors end where Redis has lost what it had acknowledged; started anew they fill the list of the tenant's people.
    await defter.services.get('projectors')?.ended;
    await defter.restart('projectors');
    await eventually(async () => {
      const { body } = await tenant.api<{ data: UserView[] }>('GET', '/v1/users');
      expect(body.data.map(({ id }) => id)).to.have.members([admin.id, demoted.id, out.id]);
    }, 60_000);
  });
});
