import { expect } from 'chai';
import OpenAI, { AuthenticationError, InternalServerError, NotFoundError } from 'openai';
import { problems } from '#contracts/problems.ts';
import { authentication } from '#platform/http/authentication.ts';
import { Problem } from '#platform/http/problem.ts';
import { bindRoute } from '#platform/http/route.ts';
import { type TestServer, knowing, openTestServer } from './http-test-server.ts';

describe('the openai package reads our errors', () => {
  let server: TestServer;
  let client: OpenAI;
  before(async () => {
    const route = {
      id: 'getModel',
      method: 'GET',
      path: '/v1/models/{name}',
      slashes: 'name',
      permission: 'echo:read',
      openai: true,
    } as const;
    server = await openTestServer(
      [
        bindRoute(route, ({ headers }) => {
          if (headers['x-break'] === '1') throw new Error('hidden');
          const errors = [{ in: 'path', pointer: '/name', message: 'No such model' }] as const;
          throw new Problem(problems['model-not-found'], { detail: 'There is no model of this name.', errors });
        }),
      ],
      { authentication: authentication(knowing('Bearer dft_1_2'), problems) },
    );
    client = new OpenAI({ apiKey: 'dft_1_2', baseURL: `${server.url}/v1`, maxRetries: 0 });
  });
  after(() => server.close(1_000));

  const failure = async (call: PromiseLike<unknown>): Promise<unknown> => {
    try {
      await call;
    } catch (error) {
      return error;
    }
    throw new Error('nothing was thrown');
  };

  it('has all four members, and the request id', async () => {
    const error = await failure(client.models.retrieve('org/none'));
    expect(error).to.be.instanceOf(NotFoundError);
    const { status, code, param, type, message, requestID } = error as NotFoundError;
    expect({ status, code, param, type, message }).to.deep.equal({
      status: 404,
      code: 'model-not-found',
      param: 'name',
      type: 'invalid_request_error',
      message: '404 There is no model of this name.',
    });
    expect(requestID).to.match(/^[\da-f-]{36}$/);
  });

  it('is an authentication error for a wrong key', async () => {
    const stranger = new OpenAI({ apiKey: 'wrong', baseURL: `${server.url}/v1`, maxRetries: 0 });
    const error = await failure(stranger.models.retrieve('a'));
    expect(error).to.be.instanceOf(AuthenticationError);
    expect(error).to.include({ code: 'unauthorized', param: null, type: 'authentication_error' });
  });

  it('is a server error that says no more, for an unexpected failure', async () => {
    const error = await failure(client.models.retrieve('a', { headers: { 'x-break': '1' } }));
    expect(error).to.be.instanceOf(InternalServerError);
    expect((error as InternalServerError).message).to.equal('500 Internal Server Error');
  });
});
