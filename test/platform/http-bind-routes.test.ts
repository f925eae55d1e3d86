import { expect } from 'chai';
import { z } from 'zod';
import { bindRoutes } from '#platform/http/bind-routes.ts';

const routes = {
  readOne: {
    id: 'readOne',
    method: 'GET',
    path: '/one/{id}',
    side: 'query',
    public: true,
    params: z.object({ id: z.string() }),
  },
  writeOne: { id: 'writeOne', method: 'POST', path: '/one', side: 'command', public: true },
} as const;

const done = () => ({ status: 204 });

describe('handlers keyed by the ids of their routes', () => {
  it('are bound for the side that serves them, and given what the schemas say', () => {
    const [bound, ...more] = bindRoutes(routes, 'query', {
      readOne: ({ params }) => ({ status: 200, body: params.id.toUpperCase() }),
    });
    expect([bound?.route.id, more.length]).to.deep.equal(['readOne', 0]);
  });

  it('must be there for each route, and for no other', () => {
    // @ts-expect-error A contract without a handler does not type-check.
    expect(() => bindRoutes(routes, 'command', {})).to.throw('the route writeOne has no handler of this name');
    // @ts-expect-error The other side's route is none of this side's.
    bindRoutes(routes, 'command', { writeOne: done, readOne: done });
    // @ts-expect-error This route has no such parameter.
    bindRoutes(routes, 'query', { readOne: ({ params }) => ({ status: 200, body: params.name }) });
  });

  it('are refused under another name than the route says', () => {
    const misnamed = { other: routes.writeOne } as const;
    expect(() => bindRoutes(misnamed, 'command', { other: done })).to.throw('the route other');
  });
});
