import { expect } from 'chai';
import { z } from 'zod';
import { authentication } from '#platform/http/authentication.ts';
import { bindRoute } from '#platform/http/route.ts';
import { problems } from '#contracts/problems.ts';
import { openTestServer } from './http-test-server.ts';

const route = {
  id: 'getRoom',
  method: 'GET',
  path: '/v1/tenants/{tenant}/rooms/{id}',
  permission: 'rooms:read',
  tenantFrom: { path: 'tenant' },
  params: z.object({ tenant: z.string(), id: z.string() }),
} as const;

/** A person of two tenants, who acts in the first now. */
const memberships = new Map([
  ['a', new Set<string>()],
  ['b', new Set(['rooms:read'])],
]);
const caller = {
  tenantId: 'a',
  actor: { kind: 'user', id: 'berta' },
  holder: 'tenant-a',
  permissions: new Set<string>(),
  permissionsIn: (tenantId: string) => memberships.get(tenantId),
} as const;

describe('a permission that is checked in the tenant of the path', () => {
  for (const [tenant, status, code] of [
    ['b', 200, undefined],
    ['a', 403, 'forbidden'],
    ['c', 404, 'not-found'],
  ] as const) {
    it(`answers ${status} in tenant ${tenant}`, async () => {
      const server = await openTestServer([bindRoute(route, ({ params }) => ({ status: 200, body: params }))], {
        authentication: authentication(() => ({ ok: true, caller }), problems),
      });
      const answer = await server.send(`/v1/tenants/${tenant}/rooms/1`);
      expect([answer.status, server.records[0]?.problem]).to.deep.equal([status, code]);
      await server.close(1_000);
    });
  }

  it('is refused at creation for a parameter that the path does not have', async () => {
    const lost = { ...route, path: '/v1/rooms/{id}' } as const;
    const opened = openTestServer([{ route: lost, handle: () => ({ status: 200 }) }]);
    expect(await opened.catch((error: Error) => error.message)).to.equal('/v1/rooms/{id} has no {tenant}');
  });
});
