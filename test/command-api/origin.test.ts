import { createSecretKey, randomBytes } from 'node:crypto';
import { expect } from 'chai';
import fc from 'fast-check';
import { createOrigins, type CommandRequest } from '../../command-api/origin.ts';

const origins = createOrigins(createSecretKey(randomBytes(32)));

const request = (more: Partial<CommandRequest> = {}): CommandRequest => ({
  route: { id: 'r', method: 'POST', path: '/v1/inferences' },
  requestId: 'request-1',
  traceparent: undefined,
  caller: { tenantId: 'acme', actor: { kind: 'api-key', id: 'k' }, permissions: new Set() },
  params: undefined,
  body: { a: 1, b: [2] },
  idempotencyKey: 'key',
  ...more,
});

describe("a command's ids", () => {
  it('are new each time without an Idempotency-Key', () => {
    const { idempotencyKey: _, ...rest } = request();
    const [one, two] = [
      origins({ ...rest, idempotencyKey: undefined }),
      origins({ ...rest, idempotencyKey: undefined }),
    ];
    expect(one.commandId).not.to.equal(two.commandId);
    expect(one.repeatable).to.equal(false);
  });

  it('are the same for the same request, whatever the order of its members', () => {
    expect(origins(request({ body: { b: [2], a: 1 } }))).to.deep.equal(origins(request()));
  });

  it('tell another body by the event, under the same subject', () => {
    const other = origins(request({ body: { a: 2, b: [2] } }));
    expect(other.subjectId).to.equal(origins(request()).subjectId);
    expect(other.eventId).not.to.equal(origins(request()).eventId);
  });

  it('differ between tenants, routes, things and keys', () => {
    const caller = { ...request().caller, tenantId: 'other' };
    const ids = [
      request(),
      request({ caller }),
      request({ route: { id: 'r', method: 'PUT', path: '/v1/inferences' } }),
      request({ route: { id: 'r', method: 'POST', path: '/v1/tenants' } }),
      request({ params: { name: 'x' } }),
      request({ idempotencyKey: 'key2' }),
    ].map((one) => origins(one).commandId);
    expect(new Set(ids).size).to.equal(ids.length);
  });

  it('cannot be computed without the secret', () => {
    const elsewhere = createOrigins(createSecretKey(randomBytes(32)));
    expect(elsewhere(request()).eventId).not.to.equal(origins(request()).eventId);
  });

  it('are equal only for equal bodies', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
        const same = origins(request({ body: a })).eventId === origins(request({ body: b })).eventId;
        expect(same).to.equal(canonical(a) === canonical(b));
      }),
    );
  });
});

/** Independent of the library: members sorted, then JSON. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, inner]) => `${JSON.stringify(name)}:${canonical(inner)}`).join(',')}}`;
}
