import { createSecretKey, randomBytes } from 'node:crypto';
import { expect } from 'chai';
import fc from 'fast-check';
import { type Keyring, openKeyring, SubjectErased } from '#platform/vault/keyring.ts';
import { type CommandRequest, createOrigins, type Origins } from '../../command-api/origin.ts';
import { createOriginSealer } from '#platform/content/seal-origin.ts';
import { eventually } from '../support/eventually.ts';
import { createMemoryVault } from '../support/memory-vault.ts';
import { refusal } from '../support/refusal.ts';

const request = (more: Partial<CommandRequest> = {}): CommandRequest => ({
  route: { id: 'r', method: 'POST', path: '/v1/inferences' },
  requestId: 'request-1',
  traceparent: undefined,
  caller: {
    tenantId: 'acme',
    actor: { kind: 'api-key', id: 'k' },
    holder: 'acme',
    permissions: new Set(),
    permissionsIn: () => undefined,
  },
  params: undefined,
  body: { a: 1, b: [2] },
  idempotencyKey: 'key',
  remoteAddress: '192.0.2.7',
  headers: { 'user-agent': 'curl/8' },
  ...more,
});

let keyring: Keyring;
let origins: Origins;
before(async () => {
  keyring = await openKeyring({ vault: createMemoryVault(), masterKey: randomBytes(32) });
  for (const subject of ['acme', 'other', 'ayse', 'gone']) await keyring.createSubject(subject);
  origins = createOrigins({ secret: createSecretKey(randomBytes(32)), keyring });
});
after(() => keyring.close());

describe("a command's ids", () => {
  it('are new each time without an Idempotency-Key', async () => {
    const one = await origins(request({ idempotencyKey: undefined }));
    const two = await origins(request({ idempotencyKey: undefined }));
    expect(one.commandId).not.to.equal(two.commandId);
    expect(one.repeatable).to.equal(false);
  });

  it('are the same for the same request, whatever the order of its members', async () => {
    expect(await origins(request({ body: { b: [2], a: 1 } }))).to.deep.equal(await origins(request()));
  });

  it('tell another body by the event, under the same subject', async () => {
    const [one, other] = [await origins(request()), await origins(request({ body: { a: 2, b: [2] } }))];
    expect(other.subjectId).to.equal(one.subjectId);
    expect(other.eventId).not.to.equal(one.eventId);
  });

  it('differ between tenants, routes, things and keys', async () => {
    const caller = { ...request().caller, tenantId: 'other' };
    const requests = [
      request(),
      request({ caller }),
      request({ route: { id: 'r', method: 'PUT', path: '/v1/inferences' } }),
      request({ route: { id: 'r', method: 'POST', path: '/v1/tenants' } }),
      request({ params: { name: 'x' } }),
      request({ idempotencyKey: 'key2' }),
    ];
    const ids = await Promise.all(requests.map(async (one) => (await origins(one)).commandId));
    expect(new Set(ids).size).to.equal(ids.length);
  });

  it('cannot be computed without the secret', async () => {
    const elsewhere = createOrigins({ secret: createSecretKey(randomBytes(32)), keyring });
    expect((await elsewhere(request())).eventId).not.to.equal((await origins(request())).eventId);
  });

  it('are equal only for equal bodies', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), fc.jsonValue(), async (a, b) => {
        const [one, two] = [await origins(request({ body: a })), await origins(request({ body: b }))];
        expect(one.eventId === two.eventId).to.equal(canonical(a) === canonical(b));
      }),
    );
  });
});

describe('where a command came from', () => {
  async function opened(subject: string, { keyId, sealed }: { readonly keyId: string; readonly sealed: string }) {
    const bytes = await keyring.open(subject, keyId, Buffer.from(sealed, 'base64'));
    return bytes === 'erased' ? bytes : (JSON.parse(bytes.toString()) as unknown);
  }

  it("is sealed with the key of the caller's tenant, or of the person who calls", async () => {
    const { sealedOrigin } = await origins(request());
    expect(await opened('acme', sealedOrigin!)).to.deep.equal({ address: '192.0.2.7', client: 'curl/8' });
    const caller = { ...request().caller, actor: { kind: 'user', id: 'ayse' } as const };
    const persons = await origins(request({ caller, headers: {} }));
    expect(await opened('ayse', persons.sealedOrigin!)).to.deep.equal({ address: '192.0.2.7', client: null });
  });

  it('is told of each address and client, the latter not at any length', async () => {
    const [one, two] = [await origins(request()), await origins(request({ remoteAddress: '192.0.2.8' }))];
    expect(one.sealedOrigin).not.to.deep.equal(two.sealedOrigin);
    const long = await origins(request({ headers: { 'user-agent': 'x'.repeat(10_000) } }));
    expect(await opened('acme', long.sealedOrigin!)).to.have.property('client', 'x'.repeat(256));
  });

  it('is sealed anew after a while: nobody keeps it readable', async () => {
    const seal = createOriginSealer(keyring, 20);
    const from = { address: '192.0.2.7', client: 'curl/8' };
    const first = await seal('acme', from);
    expect(await seal('acme', from)).to.equal(first);
    await eventually(async () => expect((await seal('acme', from)).sealed).not.to.equal(first.sealed));
  });

  it('is gone with its key', async () => {
    const caller = { ...request().caller, tenantId: 'gone' };
    const { sealedOrigin } = await origins(request({ caller }));
    await keyring.eraseSubject('gone');
    expect(await opened('gone', sealedOrigin!)).to.equal('erased');
    await refusal(SubjectErased, origins(request({ caller })));
  });
});

/** Independent of the library: members sorted, then JSON. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, inner]) => `${JSON.stringify(name)}:${canonical(inner)}`).join(',')}}`;
}
