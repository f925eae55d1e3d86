import { expect } from 'chai';
import { PERMISSIONS } from '#contracts/permissions.ts';
import { expectProblem } from '../support/expect-problem.ts';
import { describeFlow } from './with-defter.ts';

describeFlow('who asks who they are', (flow) => {
  it('is told what their key is, whose, and what it may do', async () => {
    const { api } = flow();
    const me = await api('GET', '/v1/me');
    expect(me.status).to.equal(200);
    const { id, ...rest } = me.body;
    expect(rest).to.deep.equal({
      kind: 'apiKey',
      name: 'API_KEY',
      tenant: { id: 'default', name: 'default' },
      permissions: [...PERMISSIONS],
      scopes: [...PERMISSIONS],
    });
    expect((await api('GET', `/v1/api-keys/${String(id)}`)).body).to.include({ id, name: 'API_KEY' });
  });

  it('needs no permission beyond a valid credential', async () => {
    const { as, newTenant } = flow();
    const robot = await newTenant('robots', ['models:read']);
    const me = await robot.api('GET', '/v1/me');
    expect(me.status).to.equal(200);
    expect(me.body).to.deep.include({
      tenant: { id: robot.id, name: 'robots' },
      permissions: ['models:read'],
      scopes: ['models:read'],
    });
    expect(JSON.stringify(me.body)).not.to.contain(robot.key);
    expectProblem(await as(undefined)('GET', '/v1/me'), 401, 'unauthorized');
    expectProblem(await as(`${robot.key.slice(0, -2)}xx`)('GET', '/v1/me'), 401, 'unauthorized');
  });
});
