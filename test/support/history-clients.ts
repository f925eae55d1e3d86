// Callers with habits: each does one thing after another, chosen by its seed, and tells the recorder all of it. What was
// sent with an Idempotency-Key is sent again until it is answered. The nth thing that a client does is drawn from the seed
// and n alone, whatever became of those before.

import { apiKeys } from '#events/api-key.ts';
import { inboxes } from '#events/inbox.ts';
import { inferences } from '#events/inference.ts';
import { members } from '#events/member.ts';
import { models } from '#events/model.ts';
import { tenants } from '#events/tenant.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import { createRandom } from '../../models/training/random.ts';
import type { ApiAnswer } from './api-client.ts';
import type { Acknowledged, Command, Recorder } from './history-recorder.ts';
import type { RequestOutcome, Seen } from './history.ts';

const TENANT = 'default';
const TEXTS = [
  'Günaydın, nasılsınız?',
  'Where is the station?',
  'Wo ist der Bahnhof?',
  'Gdzie jest dworzec?',
  'Où est la gare ?',
];
const ROLES = ['member', 'viewer'];
const SHARED_MODELS = ['shared/one', 'shared/two'];
const IDLE_MS = 25;
const DAY_MS = 86_400_000;
/** More than one thing draws or counts. */
const PER_STEP = 1_000;
const MOST_PAGES = 20;

export interface ClientOptions {
  readonly recorder: Recorder;
  readonly seed: number;
  readonly name: string;
  /** Aborted: it finishes what it is at, and ends. */
  readonly signal: AbortSignal;
  /** The longest pause between two things that it does, in milliseconds. */
  readonly idleMs?: number;
}

interface IssuedKey extends Acknowledged {
  readonly id: string;
  readonly secret: string;
  revoked?: Acknowledged;
}

export async function runClient(options: ClientOptions): Promise<void> {
  const { recorder, seed, name, signal, idleMs = IDLE_MS } = options;
  let random = createRandom(seed);
  const submitted: (Acknowledged & { readonly id: string })[] = [];
  const keys: IssuedKey[] = [];
  /** People who were invited and to whom nothing else is known to have happened, by the last that was said of them. */
  const invited: (Acknowledged & { readonly id: string; readonly role: string })[] = [];
  let inbox: string | undefined;
  let counter = 0;
  const next = (what: string) => `${name}-${what}-${++counter}`;

  const untilAnswered = async (whole: Command) => {
    let sent = await recorder.send(whole);
    while (sent.outcome.as === 'unknown') sent = await recorder.send(whole);
    return sent;
  };

  /** With a key it is sent until it is answered, and now and then once more for good measure. */
  const command = async (one: Omit<Command, 'command'>, keyed: boolean) => {
    const id = next(one.what);
    const whole: Command = { ...one, command: id, ...(keyed && { idempotencyKey: id }) };
    if (!keyed) return recorder.send(whole);
    const sent = await untilAnswered(whole);
    if (random.next() < 0.1) await recorder.send(whole);
    return sent;
  };

  const inferenceOf = (payload: { readonly model: string; readonly input: string }) =>
    ({
      what: 'submit',
      claim: { type: 'InferenceRequested', where: { model: payload.model } },
      method: 'POST',
      path: '/v1/inferences',
      payload,
      stream: ({ body }: ApiAnswer) => inferences.stream(String(body['id'])),
    }) satisfies Omit<Command, 'command'>;

  const somePayload = () => {
    const input = `${random.pick(TEXTS)} ${name} ${++counter}`;
    if (random.next() < 0.7) return { model: 'language-id', input, parameters: { top: 1 + random.below(3) } };
    const parameters = { max_tokens: 4 + random.below(40), seed: random.below(1_000) };
    return { model: 'tiny-writer', input, parameters };
  };

  const remember = ({ outcome, answer }: { outcome: RequestOutcome; answer: ApiAnswer | undefined }) => {
    if (outcome.as !== 'acknowledged' || !answer) return;
    const { token, stream, revision } = outcome;
    submitted.push({ token, stream, revision, id: String(answer.body['id']) });
  };

  const readInference = async (wait: string) => {
    const one = submitted.at(-1 - random.below(Math.min(5, submitted.length)));
    if (!one) return;
    await recorder.read({
      what: 'read of an inference',
      path: `/v1/inferences/${one.id}${wait}`,
      tokens: [one],
      shows: (answer) => [shown(one.stream, answer)],
    });
  };

  /** Looks for a row in a list, page by page; `seen` says what it means that it is there, or not. */
  const findInList = async (path: string, mark: Acknowledged, id: string, seen: (isHere: boolean) => Seen) => {
    for (let after = '', pages = 0; pages < MOST_PAGES; pages++) {
      let isHere = false;
      const answer = await recorder.read({
        what: 'list',
        path: `${path}${after}`,
        tokens: [mark],
        shows({ status, body }) {
          if (status !== 200) return undefined;
          isHere = (body['data'] as { id: string }[]).some((row) => row.id === id);
          return isHere || body['next'] === null ? [seen(isHere)] : undefined;
        },
      });
      const more = answer?.status === 200 ? (answer.body['next'] as string | null) : null;
      if (isHere || more === null) return;
      after = `&after=${encodeURIComponent(more)}`;
    }
  };

  /** `shows`: the revision that a row of this list stands for. */
  const findInference = (one: Acknowledged & { readonly id: string }, filter: string, revision: number) =>
    findInList(`/v1/inferences?limit=100${filter}`, one, one.id, (isHere) => ({
      stream: one.stream,
      shows: 'revision',
      revision: isHere ? revision : -1,
    }));

  const things: readonly (readonly [weight: number, what: () => Promise<void>])[] = [
    [22, async () => remember(await command(inferenceOf(somePayload()), false))],
    [22, async () => remember(await command(inferenceOf(somePayload()), true))],
    [5, () => rivals()],
    [8, () => cancel()],
    [12, () => readInference('')],
    [6, () => readInference('?wait=2s')],
    [6, () => listAfterSubmit()],
    [5, () => audit()],
    [2, () => asOfNow()],
    [3, () => readNotifications()],
    [7, () => issueKey()],
    [5, () => revokeKey()],
    [5, () => readKeys()],
    [4, () => registerModel()],
    [6, () => setDefaults()],
    [2, () => retireModel()],
    [2, () => createTenant()],
    [4, () => invite()],
    [4, () => setRole()],
    [2, () => withdrawInvitation()],
  ];
  const total = things.reduce((sum, [weight]) => sum + weight, 0);

  /** Two bodies under one key at the same time: one wins, the other is told so. */
  async function rivals() {
    const id = next('rivals');
    const send = async (payload: ReturnType<typeof somePayload>) => {
      remember(await untilAnswered({ ...inferenceOf(payload), command: id, idempotencyKey: id }));
    };
    await Promise.all([send(somePayload()), send(somePayload())]);
  }

  async function cancel() {
    const one = submitted.at(-1);
    if (!one) return;
    const { outcome } = await command(
      {
        what: 'cancel',
        claim: { type: 'InferenceCancelled', where: {} },
        mayChangeNothing: true,
        method: 'DELETE',
        path: `/v1/inferences/${one.id}`,
        stream: () => one.stream,
      },
      random.next() < 0.5,
    );
    if (outcome.as !== 'acknowledged') return;
    const { token, stream, revision } = outcome;
    await findInference({ token, stream, revision, id: one.id }, '&status=cancelled', 1);
  }

  async function listAfterSubmit() {
    const sent = await command(inferenceOf(somePayload()), true);
    remember(sent);
    const one = submitted.at(-1);
    if (one && sent.outcome.as === 'acknowledged') await findInference(one, '', 0);
  }

  async function audit() {
    const one = submitted.at(-1 - random.below(Math.min(3, submitted.length)));
    if (!one) return;
    await recorder.read({
      what: 'audit of an inference',
      path: `/v1/audit?stream=${one.stream}`,
      audited: true,
      tokens: [one],
      shows: ({ status, body }) => {
        const rows = status === 200 ? (body['data'] as { revision: number }[]) : [];
        return [
          { stream: one.stream, shows: 'revision', revision: Math.max(-1, ...rows.map(({ revision }) => revision)) },
        ];
      },
    });
  }

  async function asOfNow() {
    const one = keys.at(-1);
    if (!one) return;
    const { stream } = one;
    await recorder.read({
      what: 'tenant as of now',
      path: `/v1/tenants/${TENANT}/as-of`,
      tokens: [one.revoked ?? one],
      audited: true,
      shows: ({ status, body }) => {
        if (status !== 200) return undefined;
        const isHere = (body['entities'] as { stream: string }[]).some((entity) => entity.stream === stream);
        return [{ stream, shows: isHere ? 'alive' : 'nothing' }];
      },
    });
  }

  async function readNotifications() {
    const list = (query: string) =>
      recorder.read({ what: 'notifications', path: `/v1/notifications${query}`, tokens: [], shows: () => [] });
    const shown = await list('');
    inbox ??= await inboxOfKey();
    const stream = inbox;
    const upTo = shown?.status === 200 ? shown.body['upTo'] : null;
    if (stream === undefined || upTo === null) return;
    await command(
      {
        what: 'mark as read',
        claim: { type: 'NotificationsRead', where: {} },
        mayChangeNothing: true,
        method: 'POST',
        path: '/v1/notifications/read',
        payload: { upTo },
        stream: () => stream,
      },
      false,
    );
    await list('?unread=true');
  }

  async function inboxOfKey(): Promise<string | undefined> {
    const me = await recorder.read({ what: 'me', path: '/v1/me', tokens: [], shows: () => [] });
    return me?.status === 200 ? inboxes.stream('api-key', String(me.body['id'])) : undefined;
  }

  async function issueKey() {
    const { outcome, answer } = await command(
      {
        what: 'issue',
        claim: { type: 'ApiKeyIssued', where: {} },
        method: 'POST',
        path: '/v1/api-keys',
        payload: {
          name: next('key'),
          scopes: ['models:read', 'inference:read'],
          ...(random.next() < 0.3 && { expiresAt: inDays(6) }),
        },
        stream: ({ body }) => apiKeys.stream(String(body['id'])),
      },
      random.next() < 0.6,
    );
    if (outcome.as !== 'acknowledged' || !answer) return;
    const { token, stream, revision } = outcome;
    const issued = { token, stream, revision, id: String(answer.body['id']), secret: String(answer.body['key']) };
    keys.push(issued);
    await knock(issued);
  }

  async function revokeKey() {
    const one = keys.findLast(({ revoked }) => !revoked);
    if (!one || random.next() < 0.3) return;
    const { outcome } = await command(
      {
        what: 'revoke',
        claim: { type: 'ApiKeyRevoked', where: {} },
        mayChangeNothing: true,
        method: 'DELETE',
        path: `/v1/api-keys/${one.id}`,
        stream: () => one.stream,
      },
      random.next() < 0.5,
    );
    // One that may have been revoked is asked for no more: whether it lives is not known.
    if (outcome.as !== 'acknowledged') return void keys.splice(keys.indexOf(one), 1);
    const { token, stream, revision } = outcome;
    one.revoked = { token, stream, revision };
    await knock(one);
  }

  /** A key is let in, or not, from the moment that the answer came: the door needs no token. */
  async function knock({ secret, revoked, ...issued }: IssuedKey) {
    const mark = revoked ?? issued;
    const { stream, revision } = mark;
    const answer = await recorder.read({
      what: 'door',
      path: '/v1/models/language-id',
      tokens: [],
      key: secret,
      shows: () => [],
    });
    if (answer?.status !== 200 && answer?.status !== 401) return;
    const shows = answer.status === 200 ? 'alive' : 'nothing';
    recorder.reads.push({
      request: next('door'),
      what: 'door',
      token: [{ stream, revision }],
      seen: [{ stream, shows }],
    });
  }

  async function readKeys() {
    const one = keys.at(-1);
    if (!one) return;
    await findInList('/v1/api-keys?limit=100', one.revoked ?? one, one.id, (isHere) => ({
      stream: one.stream,
      shows: isHere ? 'alive' : 'nothing',
    }));
  }

  const changeModel = async (what: string, claim: Command['claim'], path: string, payload: unknown, model: string) => {
    const stream = models.stream(TENANT, model);
    const { outcome } = await command(
      { what, claim, mayChangeNothing: true, method: 'PUT', path, payload, stream: () => stream },
      random.next() < 0.5,
    );
    if (outcome.as !== 'acknowledged') return;
    const { token, revision } = outcome;
    const tokens = [{ token, stream, revision }];
    await recorder.read({
      what: 'model',
      path: `/v1/models/${model}`,
      tokens,
      shows: (answer) => [shown(stream, answer)],
    });
    await recorder.read({
      what: 'list of models',
      path: '/v1/models',
      tokens,
      shows: ({ body }) => {
        const row = (body['data'] as { id: string; revision: number }[] | undefined)?.find(({ id }) => id === model);
        return [row ? { stream, shows: 'revision', revision: row.revision } : { stream, shows: 'nothing' }];
      },
    });
  };

  async function registerModel() {
    const model = random.pick(SHARED_MODELS);
    const description = `number ${random.below(4)}`;
    const payload = { runtime: 'tensorflow', source: 'language-id', description };
    await changeModel(
      'register',
      { type: 'ModelRegistered', where: { description } },
      `/v1/models/${model}`,
      payload,
      model,
    );
  }

  async function retireModel() {
    const model = random.pick(SHARED_MODELS);
    const stream = models.stream(TENANT, model);
    await command(
      {
        what: 'retire',
        claim: { type: 'ModelRetired', where: {} },
        mayChangeNothing: true,
        method: 'DELETE',
        path: `/v1/models/${model}`,
        stream: () => stream,
      },
      random.next() < 0.7,
    );
  }

  async function setDefaults() {
    const model = random.pick(SHARED_MODELS);
    const top = 1 + random.below(20);
    const claim = { type: 'ModelDefaultsSet', where: { defaults: { top: String(top) } } };
    await changeModel('defaults', claim, `/v1/models/${model}/defaults`, { top }, model);
  }

  async function createTenant() {
    await command(
      {
        what: 'tenant',
        claim: { type: 'TenantCreated', where: {} },
        method: 'POST',
        path: '/v1/tenants',
        payload: { name: next('tenant') },
        stream: ({ body }) => tenants.stream(String(body['id'])),
      },
      true,
    );
  }

  const readPerson = ({ id, token, stream, revision }: (typeof invited)[number]) =>
    recorder.read({
      what: 'person',
      path: `/v1/users/${id}`,
      tokens: [{ token, stream, revision }],
      // Of the person there is one event, so the revision is the one of their part in the tenant.
      shows: (answer) => [shown(stream, answer)],
    });

  async function invite() {
    const role = random.pick(ROLES);
    const { outcome, answer } = await command(
      {
        what: 'invite',
        claim: { type: 'MembershipOffered', where: { role } },
        method: 'POST',
        path: '/v1/users',
        payload: { email: `${next('person')}@example.com`, role },
        stream: ({ body }) => members.stream(TENANT, String(body['id'])),
      },
      random.next() < 0.7,
    );
    if (outcome.as !== 'acknowledged' || !answer) return;
    const { token, stream, revision } = outcome;
    const person = { token, stream, revision, role, id: String(answer.body['id']) };
    invited.push(person);
    await readPerson(person);
  }

  /** Says something of a person who was invited. */
  async function sayOf(
    { id, stream, role }: (typeof invited)[number],
    one: Pick<Command, 'what' | 'claim' | 'method' | 'path' | 'payload'>,
  ) {
    const { outcome } = await command({ ...one, mayChangeNothing: true, stream: () => stream }, random.next() < 0.5);
    if (outcome.as !== 'acknowledged') return undefined;
    const { token, revision } = outcome;
    const now = { token, stream, revision, id, role };
    await readPerson(now);
    return now;
  }

  async function setRole() {
    const person = invited.pop();
    if (!person) return;
    const role = person.role === 'member' ? 'viewer' : 'member';
    const claim = { type: 'MembershipRoleChanged', where: { role } };
    const path = `/v1/users/${person.id}/roles/${TENANT}`;
    const now = await sayOf(person, { what: 'role', claim, method: 'PUT', path, payload: { role } });
    if (now) invited.push({ ...now, role });
  }

  async function withdrawInvitation() {
    const person = invited.pop();
    if (!person) return;
    const claim = { type: 'MembershipRevoked', where: {} };
    await sayOf(person, { what: 'withdraw', claim, method: 'DELETE', path: `/v1/users/${person.id}/invitation` });
  }

  for (let step = 1; !signal.aborted; step++) {
    random = createRandom(Math.imul(seed + 1, 0x9e3779b1) + step * PER_STEP);
    counter = step * PER_STEP;
    let at = random.next() * total;
    const [, thing] = things.find(([weight]) => (at -= weight) < 0) ?? things[0]!;
    const idle = random.next() * idleMs;
    await thing();
    await sleep(idle);
  }
}

/** The midnight after so many days; the same in every run of a day. */
const inDays = (days: number) => new Date((Math.floor(Date.now() / DAY_MS) + days) * DAY_MS).toISOString();

function shown(stream: string, { status, headers, body }: ApiAnswer): Seen {
  const revision = Number(/^"(\d+)"$/.exec(headers.get('etag') ?? '')?.[1] ?? -1);
  if (status !== 200 && status !== 202) return { stream, shows: 'nothing' };
  const state = body['status'];
  return { stream, shows: 'revision', revision, ...(typeof state === 'string' && { status: state }) };
}
