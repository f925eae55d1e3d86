// What is open to someone who must set a new password first.

import { expect } from 'chai';
import { allRoutes } from '#contracts/all-routes.ts';
import { problems } from '#contracts/problems.ts';
import { authentication } from '#platform/http/authentication.ts';
import { bindRoute, type Caller } from '#platform/http/route.ts';
import { openTestServer, problemOf } from './http-test-server.ts';

const caller: Caller = {
  tenantId: 'a',
  actor: { kind: 'user', id: 'berta' },
  holder: 'berta',
  permissions: new Set(['rooms:read']),
  permissionsIn: () => undefined,
  mustChangePassword: true,
};
const route = { id: 'thing', method: 'GET', path: '/thing' } as const;

describe('who must set a new password first', () => {
  for (const [what, kind, isOpen] of [
    ['a route that needs a permission', { permission: 'rooms:read' }, false],
    ['a route of any caller', { anyCaller: true }, false],
    ['a public route where they say who they are', { public: true, callerIfAny: true }, false],
    ['a public route that asks nobody', { public: true }, true],
    ['a route that is for them', { anyCaller: true, whilePasswordIsDue: true }, true],
    ['a public route that is for them', { public: true, callerIfAny: true, whilePasswordIsDue: true }, true],
  ] as const)
    it(`is ${isOpen ? 'let into' : 'refused'} ${what}`, async () => {
      const bound = bindRoute({ ...route, ...kind }, () => ({ status: 200, body: {} }));
      const server = await openTestServer([bound], {
        authentication: authentication(() => ({ ok: true, caller }), problems),
      });
      const answer = await server.send('/thing');
      expect(answer.status).to.equal(isOpen ? 200 : 403);
      if (!isOpen) expect(await problemOf(answer)).to.include({ code: 'password-change-required' });
      await server.close(1_000);
    });

  it('can say who they are, set it, see and end their sessions and sign out, and nothing else', () => {
    expect(allRoutes.flatMap((one) => (one.whilePasswordIsDue ? [one.id] : [])).toSorted()).to.deep.equal([
      'changePassword',
      'endMySession',
      'endMySessions',
      'getMe',
      'listMySessions',
      'logout',
    ]);
  });
});
