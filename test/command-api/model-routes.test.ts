// Who may hand the value of a credential to a model's upstream by naming it.

import { expect } from 'chai';
import { createEvent } from '#events/create-event.ts';
import { credentials } from '#events/credential.ts';
import { Problem } from '#platform/http/problem.ts';
import { newId } from '#platform/new-id.ts';
import { createModelRoutes } from '../../command-api/models/routes.ts';
import { callerWith, callRoute, routePortsOf } from '../support/call-route.ts';
import { ORIGIN } from '../support/given-decider.ts';
import { openPeoplePorts, type PeoplePorts } from '../support/people-ports.ts';
import { refusal } from '../support/refusal.ts';

const TENANT = 'acme';

describe('registering a model that names a credential', () => {
  let ports: PeoplePorts;
  beforeEach(async () => {
    ports = await openPeoplePorts();
    await ports.keyring.createSubject(TENANT);
  });
  afterEach(() => ports.keyring.close());

  async function credential(environment: string | null = null, tenantId = TENANT): Promise<string> {
    const id = newId();
    const data = { name: 'upstream', kind: 'openai', last4: '', secretId: environment ? null : newId(), environment };
    const stored = createEvent('CredentialStored', data as never, { ...ORIGIN, tenantId, eventId: newId() });
    await ports.store.append(credentials.stream(id), [stored], 'no_stream');
    return id;
  }

  const register = (permissions: readonly string[], credentialId?: string, source = 'https://eve.example/v1') =>
    callRoute(
      createModelRoutes({
        ...routePortsOf(ports),
        manifestOf: async () => undefined,
        upstreamFault: async () => undefined,
      }),
      'registerModel',
      callerWith(permissions, { tenantId: TENANT }),
      {
        params: { name: 'writer' },
        body: {
          runtime: 'openai',
          source,
          description: '',
          parameters: [],
          anyParameter: false,
          ...(credentialId !== undefined && { credentialId }),
        },
      },
    );
  const refused = async (...asked: Parameters<typeof register>) => {
    const { code, errors } = await refusal(Problem, register(...asked));
    return [code, errors?.map(({ pointer, message }) => `${pointer} ${message}`)];
  };

  it('needs `credentials:write` too, also where the model has that credential already', async () => {
    const id = await credential();
    const lacking = ['forbidden', ['/credentialId needs the permission credentials:write']];
    expect(await refused(['models:write'], id)).to.deep.equal(lacking);
    expect((await register(['models:write', 'credentials:write'], id, 'https://api.example/v1')).status).to.equal(201);
    expect(await refused(['models:write'], id)).to.deep.equal(lacking);
    expect(await refused(['models:write'], id, 'https://api.example/v1')).to.deep.equal(lacking);
  });

  it('needs nothing more without one, and the model has none from then on', async () => {
    const id = await credential();
    await register(['models:write', 'credentials:write'], id);
    const again = await register(['models:write']);
    expect([again.status, (again.body as { credentialId: unknown }).credentialId]).to.deep.equal([200, null]);
  });

  it('needs `platform` for a variable of the server', async () => {
    const id = await credential('OPENAI_API_KEY');
    const lacking = ['forbidden', ['/credentialId needs the permission platform']];
    expect(await refused(['models:write', 'credentials:write'], id)).to.deep.equal(lacking);
    expect((await register(['models:write', 'credentials:write', 'platform'], id)).status).to.equal(201);
  });

  it('tells nobody whether another tenant has such a credential', async () => {
    const id = await credential('OPENAI_API_KEY', 'other');
    const absent = ['invalid-request', [`/credentialId there is no credential ${id}`]];
    expect(await refused(['models:write', 'credentials:write'], id)).to.deep.equal(absent);
  });
});
