// People are invited, accept, and change each other's roles on a server that is killed again and again. Whoever was told of
// something finds it so; one address is one person, and the tenant has an administrator. FAULT_SEED repeats a run's choices
// (not its timing), FAULT_ROUNDS makes it longer.

import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'chai';
import type { SignedIn } from '#contracts/people.ts';
import type { UserView } from '#contracts/users.ts';
import { createRandom } from '../../models/training/random.ts';
import { type ApiAnswer, type CallOptions, createApi } from '../support/api-client.ts';
import { eventually } from '../support/eventually.ts';
import { mailedToken, MANY_SIGN_IN, somePassword } from '../support/people.ts';
import { type RunningDefter, startDefter } from '../support/start-defter.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const SEED = Number(process.env['FAULT_SEED'] ?? Math.floor(Math.random() * 1_000_000));
const ROUNDS = Number(process.env['FAULT_ROUNDS'] ?? 4);
const PEOPLE = 16;
const CLIENTS = 4;

interface Guest {
  readonly email: string;
  readonly password: string;
  readonly role: 'admin' | 'member';
  readonly idempotencyKey: string;
  id?: string;
  token?: string;
  accessToken?: string;
}

describe(`people on a server that is killed (FAULT_SEED=${SEED} FAULT_ROUNDS=${ROUNDS})`, function () {
  this.timeout(60_000 + ROUNDS * 30_000);
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let defter: RunningDefter;
  const key = randomBytes(24).toString('hex');
  const start = () => startDefter(folder.path, { API_KEY: key, CHECK_ANSWERS: 'on', ...MANY_SIGN_IN });

  before(async () => {
    folder = await temporaryFolder();
    defter = await start();
  });
  after(async () => {
    await defter.kill9();
    await folder.remove();
  });

  let answered = 0;

  /** Undefined where the server was killed before it had answered. */
  const ask = async <Body>(method: string, path: string, as: string | undefined, options: CallOptions = {}) => {
    const answer: ApiAnswer<Body> | undefined = await createApi(defter.url, as)<Body>(method, path, options).catch(
      (error: unknown) => {
        if (error instanceof TypeError || error instanceof SyntaxError) return undefined;
        throw error;
      },
    );
    if (answer !== undefined) answered += 1;
    return answer;
  };

  /** One step further with someone; answers whether they have come to the end. */
  async function advance(guest: Guest): Promise<boolean> {
    const { email, role, password, idempotencyKey } = guest;
    if (guest.id === undefined) {
      const headers = { 'idempotency-key': idempotencyKey };
      const invited = await ask<UserView>('POST', '/v1/users', key, { body: { email, role }, headers });
      if (!invited) return false;
      expect(invited.status, JSON.stringify(invited.body)).to.equal(201);
      guest.id = invited.body.id;
    }
    guest.token ??= await mailedToken(`${folder.path}/outbox`, email).catch(() => undefined as never);
    if (guest.accessToken !== undefined || guest.token === undefined) return guest.accessToken !== undefined;
    const body = { token: guest.token, name: email, password };
    const accepted = await ask<SignedIn>('POST', '/v1/auth/invitation/accept', undefined, { body });
    if (!accepted) return false;
    if (accepted.status === 200) guest.accessToken = accepted.body.accessToken;
    else {
      // It was done, but for the answer.
      expect(accepted.status, JSON.stringify(accepted.body)).to.equal(410);
      const signedIn = await ask<SignedIn>('POST', '/v1/auth/login', undefined, { body: { email, password } });
      if (!signedIn) return false;
      expect(signedIn.status, JSON.stringify(signedIn.body)).to.equal(200);
      guest.accessToken = signedIn.body.accessToken;
    }
    return true;
  }

  it('are each one person with one part, sign in, and never lose their last administrator', async () => {
    const tenantPath = (id: string) => `/v1/users/${id}/roles/default`;
    const random = createRandom(SEED);
    const guests: Guest[] = Array.from({ length: PEOPLE }, (_, n) => ({
      email: `guest-${n}@example.com`,
      password: somePassword(),
      role: n % 3 === 0 ? 'admin' : 'member',
      idempotencyKey: randomUUID(),
    }));
    const waiting = [...guests];
    let interruptions = 0;
    let changes = 0;

    const client = async (until: { over: boolean }) => {
      while (!until.over) {
        const guest = waiting.shift();
        if (guest && !(await advance(guest))) waiting.unshift(guest);
        const known = guests.filter((one) => one.accessToken !== undefined && one.role === 'admin');
        if (known.length > 1) {
          const [by, whom] = [random.pick(known), random.pick(known)];
          const role = random.pick(['admin', 'viewer', 'viewer'] as const);
          const changed = await ask('PUT', tenantPath(whom.id ?? ''), by.accessToken, { body: { role } });
          if (changed) {
            changes += 1;
            expect(changed.status, JSON.stringify(changed.body)).to.be.below(500);
          }
        } else await pause(5);
      }
    };

    for (let round = 0; round < ROUNDS; round++) {
      const until = { over: false };
      const killAfter = answered + 2 + random.below(8);
      const clients = Array.from({ length: CLIENTS }, () => client(until));
      await eventually(() => answered >= killAfter, 20_000);
      await defter.kill9();
      interruptions += 1;
      defter = await start();
      until.over = true;
      await Promise.all(clients);
      const { data } = (await createApi(defter.url, key)<{ data: UserView[] }>('GET', '/v1/users?limit=100')).body;
      expect(new Set(data.map(({ email }) => email)).size).to.equal(data.length);
    }
    while (waiting.length > 0) {
      const guest = waiting.shift();
      if (guest && !(await advance(guest))) waiting.push(guest);
    }
    console.log(`      seed ${SEED}: ${interruptions} kills, ${changes} changes of roles`);
    expect(changes).to.be.greaterThan(0);
    const { data } = (await createApi(defter.url, key)<{ data: UserView[] }>('GET', '/v1/users?limit=100')).body;
    const known = data.filter(({ email }) => email.startsWith('guest-'));
    expect(known.map(({ id, email }) => `${id} ${email}`)).to.have.members(
      guests.map(({ id, email }) => `${id} ${email}`),
    );
    expect(known.map(({ membership }) => membership)).to.satisfy((all: string[]) =>
      all.every((one) => one === 'active'),
    );
    expect(known.filter(({ role }) => role === 'admin')).to.have.length.greaterThan(0);
    for (const { email, password } of guests) {
      const signedIn = await ask('POST', '/v1/auth/login', undefined, { body: { email, password } });
      expect(signedIn?.status, email).to.equal(200);
    }
  });
});
