// Whoever pastes an example of the OpenAPI document is not refused.

import { expect } from 'chai';
import { eventually } from '../support/eventually.ts';
import { expectProblem } from '../support/expect-problem.ts';
import { describeFlow } from './with-defter.ts';

interface Operation {
  readonly operationId: string;
  readonly parameters: readonly {
    readonly name: string;
    readonly schema?: { readonly examples?: readonly string[] };
  }[];
  readonly requestBody?: { readonly content: { readonly 'application/json': { readonly example?: unknown } } };
}

/** In an order in which each finds what it needs; with the status of its success. */
const IN_ORDER: readonly (readonly [operationId: string, status: number])[] = [
  ['createTenant', 201],
  ['issueApiKey', 201],
  ['inviteUser', 201],
  ['storeCredential', 201],
  ['registerModel', 201],
  ['setModelDefaults', 200],
  ['submitInference', 202],
  ['markNotificationsRead', 204],
  ['rebuildProjection', 202],
  ['rollBackProjection', 202],
];
/** There is nothing of their names here: their bodies are read before that is said. */
const OF_NOTHING = [
  'retryDeadLetter',
  'discardDeadLetter',
  'setRole',
  'renameTenant',
  'suspendTenant',
  'setTenantLimits',
  'rotateApiKey',
  'setApiKeyLimits',
];
/** Of people, of whom there is none here, and of links that nobody was sent: what is said of a body that is good. */
const OF_NOBODY: readonly (readonly [operationId: string, status: number, code?: string])[] = [
  ['login', 401, 'invalid-credentials'],
  ['refresh', 401, 'session-ended'],
  ['logout', 204],
  ['changePassword', 403, 'forbidden'],
  ['updateMe', 403, 'forbidden'],
  ['forgotPassword', 202],
  ['resetPassword', 410, 'token-spent'],
  ['requestEmailChange', 403, 'forbidden'],
  ['confirmEmailChange', 410, 'token-spent'],
  ['acceptInvitation', 410, 'token-spent'],
];

describeFlow('the examples of the OpenAPI document', (flow) => {
  const operations = async () => {
    const { paths } = (await (await fetch(`${flow().url}/openapi.json`)).json()) as {
      paths: Record<string, Record<string, Operation>>;
    };
    return Object.entries(paths).flatMap(([path, item]) =>
      Object.entries(item).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
    );
  };

  /** A request with its own examples, in path and body. */
  const exampleOf = ({ path, method, operation }: Awaited<ReturnType<typeof operations>>[number]) => {
    const examples = new Map(
      operation.parameters.map(({ name, schema }) => [name, schema?.examples?.[0] ?? 'nothing']),
    );
    const url = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(examples.get(name) ?? ''));
    return { method, url, body: operation.requestBody?.content['application/json'].example };
  };

  it('are there for every body', async () => {
    const withBody = (await operations()).filter(({ operation }) => operation.requestBody);
    for (const one of withBody) expect(exampleOf(one).body, one.operation.operationId).to.be.an('object');
    const named = withBody.map(({ operation }) => operation.operationId);
    expect(named).to.have.members([...[...IN_ORDER, ...OF_NOBODY].map(([id]) => id), ...OF_NOTHING]);
  });

  it('are each accepted by their own path', async function () {
    this.timeout(60_000);
    const all = new Map((await operations()).map((one) => [one.operation.operationId, exampleOf(one)]));
    for (const [id, status] of IN_ORDER) {
      const { method, url, body } = all.get(id)!;
      if (id === 'rollBackProjection')
        await eventually(async () => {
          const { body: audit } = await flow().api('GET', '/v1/projections/audit');
          expect(audit).to.include({ state: 'live', version: 2 });
        }, 20_000);
      const answer = await flow().api(method, url, { body });
      expect(answer.status, `${id}: ${JSON.stringify(answer.body)}`).to.equal(status);
    }
    for (const id of OF_NOTHING) {
      const { method, url, body } = all.get(id)!;
      expectProblem(await flow().api(method, url, { body }), 404, 'not-found');
    }
    for (const [id, status, code] of OF_NOBODY) {
      const { method, url, body } = all.get(id)!;
      const answer = await flow().api(method, url, { body });
      if (code === undefined) expect(answer.status, id).to.equal(status);
      else expectProblem(answer, status, code);
    }
    const { method, url } = all.get('retireModel')!;
    expect((await flow().api(method, url)).status).to.equal(200);
  });
});
