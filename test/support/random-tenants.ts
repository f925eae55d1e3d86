// Histories of two tenants and their people, however unlikely: events in any order, as `evolve` must bear them.

import fc from 'fast-check';
import { createEvent } from '#events/create-event.ts';
import type { NewEvent } from '#events/envelope.ts';
import { AS_INVITED, AS_ISSUED, plainContent } from './given-projection.ts';
import { ORIGIN } from './given-decider.ts';
import type { PastHistory } from './past-run.ts';

export const TENANTS = ['acme', 'beta'] as const;
const PEOPLE = ['ada', 'bob'] as const;
const PLATFORM = 'platform';

type Make = (n: number, person: string) => NewEvent;
type Kind = readonly [stream: (tenant: string, person: string) => string, ofPlatform: boolean, makes: readonly Make[]];

const definition = {
  name: 'm',
  description: '',
  task: 'generation',
  runtime: 'tensorflow',
  source: 'a-folder',
  upstreamModel: null,
  credentialId: null,
  parameters: [],
  anyParameter: false,
  maxInputChars: 1,
  maxBatch: 1,
  maxDelayMs: 1,
  timeoutMs: 1,
  memoryBytes: 1,
} as const;

const KINDS: readonly Kind[] = [
  [
    (tenant) => `tenant-${tenant}`,
    false,
    [
      (n) => createEvent('TenantCreated', { name: `t${n}` }, ORIGIN),
      (n) => createEvent('TenantRenamed', { name: `t${n}` }, ORIGIN),
      () => createEvent('TenantSuspended', { reason: 'why' }, ORIGIN),
      (n) => createEvent('TenantLimitsSet', { requestsPerMinute: n + 1 }, ORIGIN),
    ],
  ],
  [
    (tenant) => `apikey-${tenant}1`,
    false,
    [
      (n) => createEvent('ApiKeyIssued', { ...AS_ISSUED, name: `k${n}` }, ORIGIN),
      (n) => createEvent('ApiKeyLimitsSet', { requestsPerMinute: n + 1 }, ORIGIN),
      () => createEvent('ApiKeyRevoked', {}, ORIGIN),
    ],
  ],
  [
    (tenant, person) => `member-${tenant}-${person}`,
    false,
    [
      (n, person) =>
        createEvent('MembershipOffered', { userId: person, role: `r${n}`, expiresAt: 9, ...AS_INVITED }, ORIGIN),
      () => createEvent('MembershipAccepted', {}, ORIGIN),
      (n) => createEvent('MembershipRoleChanged', { role: `r${n}` }, ORIGIN),
      () => createEvent('MembershipRevoked', { keys: [] }, ORIGIN),
    ],
  ],
  [
    (tenant) => `model-${tenant}-m`,
    false,
    [
      () => createEvent('ModelRegistered', definition, ORIGIN),
      (n) => createEvent('ModelDefaultsSet', { defaults: { temperature: String(n) } }, ORIGIN),
      () => createEvent('ModelDefaultsSet', { defaults: {} }, ORIGIN),
      () => createEvent('ModelRetired', {}, ORIGIN),
      () => createEvent('ModelReinstated', {}, ORIGIN),
    ],
  ],
  [
    (tenant) => `credential-${tenant}1`,
    false,
    [
      (n) =>
        createEvent(
          'CredentialStored',
          { name: `c${n}`, kind: 'openai', last4: '1234', secretId: 's', environment: null },
          ORIGIN,
        ),
      () => createEvent('CredentialDeleted', {}, ORIGIN),
    ],
  ],
  [
    (_, person) => `user-${person}`,
    true,
    [
      (n) =>
        createEvent(
          'UserInvited',
          { email: plainContent(`${n}@example.com`), name: plainContent(null), language: 'en' },
          ORIGIN,
        ),
      (n) => createEvent('UserRegistered', { name: plainContent(`n${n}`), language: 'en' }, ORIGIN),
      () => createEvent('SessionsEnded', { keptSession: null }, ORIGIN),
      () => createEvent('UserDisabled', {}, ORIGIN),
    ],
  ],
  [
    (_, person) => `session-${person}1`,
    true,
    [
      (n, person) => createEvent('SessionStarted', { userId: person, epoch: n % 2 }, ORIGIN),
      (n) => createEvent('SessionRefreshed', { number: n, at: n, replica: null }, ORIGIN),
      () => createEvent('SessionEnded', { reason: 'logged_out' }, ORIGIN),
    ],
  ],
];

const step = fc
  .record({
    kind: fc.constantFrom(...KINDS),
    tenant: fc.constantFrom(...TENANTS),
    person: fc.constantFrom(...PEOPLE),
    which: fc.nat({ max: 20 }),
    n: fc.nat({ max: 9 }),
  })
  .map(({ kind: [streamOf, ofPlatform, makes], tenant, person, which, n }) => {
    const make = makes[which % makes.length] as Make;
    const event = make(n, person);
    const tenantId = ofPlatform ? PLATFORM : tenant;
    return [streamOf(tenant, person), { ...event, metadata: { ...event.metadata, tenantId } }] as const;
  });

export const randomTenants: fc.Arbitrary<PastHistory> = fc
  .array(step, { minLength: 1, maxLength: 60, size: 'max' })
  .map((steps) =>
    steps.map(([stream, event], at) => {
      const id = `018f0000-0000-7000-8000-${String(at).padStart(12, '0')}`;
      return [stream, { ...event, id }] as const;
    }),
  );
