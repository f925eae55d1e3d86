import { expect } from 'chai';
import { users } from '#events/user.ts';
import { type AskedFilter, auditFilter, queryOf } from '../../query-api/audit/audit-filter.ts';
import { ownFilters } from '../../query-api/audit/own-activity.ts';

const asked = (more: Partial<AskedFilter> = {}, tenant = 'acme') =>
  ownFilters(auditFilter({ reads: false, actor: 'ada', actorKind: 'user', ...more }, [tenant]), 'ada').map(
    (filter) => ({
      tenants: filter.tenants,
      stream: filter.stream,
      types: filter.types,
      actors: filter.actors,
    }),
  );

describe('what a person may see that they did', () => {
  it('is all in the tenant, and of the platform what happened to themselves and their sessions', () => {
    const sessions = ['SessionStarted', 'SessionRefreshed', 'SessionEnded'];
    const actors = ['user:ada'];
    expect(asked()).to.deep.equal([
      { tenants: ['acme'], stream: undefined, types: undefined, actors },
      { tenants: ['platform'], stream: users.stream('ada'), types: undefined, actors },
      { tenants: ['platform'], stream: undefined, types: sessions, actors },
    ]);
    expect(asked({ type: ['SessionEnded', 'UserInvited'] }).at(-1)?.types).to.deep.equal(['SessionEnded']);
  });

  it('is as little of other people where the tenant is the platform itself', () => {
    const [inTenant] = asked({}, 'platform');
    expect(inTenant?.types).to.include('TenantCreated');
    for (const type of ['UserInvited', 'EmailClaimed', 'UserRegistered', 'SessionStarted', 'AuditRead'])
      expect(inTenant?.types).to.not.include(type);
    expect(asked({ reads: true }, 'platform')[0]?.types).to.include('AuditRead');
    const [none] = ownFilters(auditFilter({ reads: false, type: ['UserInvited'] }, ['platform']), 'ada');
    expect(none && queryOf(none).conditions).to.deep.equal([{ field: 'type', in: [] }]);
  });
});
