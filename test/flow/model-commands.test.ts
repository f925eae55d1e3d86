import { expect } from 'chai';
import { expectProblem } from '../support/expect-problem.ts';
import { describeFlow } from './with-defter.ts';

describeFlow('commands on models', (flow) => {
  describe('a repeated command on a model', () => {
    const model = { runtime: 'tensorflow', source: 'language-id' };
    const keyed = (key: string) => ({ headers: { 'idempotency-key': key } });

    it('is answered as the first time, whatever has happened since', async () => {
      const { api } = flow();
      const put = () => api('PUT', '/v1/models/mine', { body: { ...model, description: 'first' }, ...keyed('put') });
      const first = await put();
      expect(first.status).to.equal(201);
      const changed = await api('PUT', '/v1/models/mine', { body: { ...model, description: 'second' } });
      expect(changed.status).to.equal(200);
      const again = await put();
      expect(again.status).to.equal(201);
      expect(again.body).to.deep.equal(first.body);
      expect(again.headers.get('etag')).to.equal(first.headers.get('etag'));
      expect(again.headers.get('idempotent-replayed')).to.equal('true');
      expect((await api('GET', '/v1/models/mine')).body['description']).to.equal('second');
    });

    it('with another body is refused', async () => {
      const { api } = flow();
      const refused = await api('PUT', '/v1/models/mine', {
        body: { ...model, description: 'other' },
        ...keyed('put'),
      });
      expect(refused.status).to.equal(422);
      expect(refused.body['code']).to.equal('idempotency-key-reused');
    });

    it('sets defaults once, and answers the same after the model is gone', async () => {
      const { api } = flow();
      await api('PUT', '/v1/models/brief', { body: model });
      const put = () => api('PUT', '/v1/models/brief/defaults', { body: { top: 2 }, ...keyed('defaults') });
      const first = await put();
      expect(first.status).to.equal(200);
      await api('DELETE', '/v1/models/brief');
      const again = await put();
      expect(again.status).to.equal(200);
      expect(again.body).to.deep.equal(first.body);
    });

    it('retires the own model only, not the one of the platform that it hid', async () => {
      const { api } = flow();
      await api('PUT', '/v1/models/language-id', { body: { ...model, description: 'my own' } });
      const retire = () => api('DELETE', '/v1/models/language-id', keyed('retire'));
      expect((await retire()).status).to.equal(200);
      expect((await retire()).headers.get('idempotent-replayed')).to.equal('true');
      const left = await api('GET', '/v1/models/language-id');
      expect(left.status).to.equal(200);
      expect(left.body['owned_by']).to.equal('platform');
    });
  });

  describe('a path below a model', () => {
    it('has the methods that it has, and a name may still end like it when it is encoded', async () => {
      const { api } = flow();
      const get = await api('GET', '/v1/models/language-id/defaults');
      expect(get.status).to.equal(405);
      expect(get.headers.get('allow')).to.equal('PUT, OPTIONS');
      expect((await api('DELETE', '/v1/models/language-id/defaults')).status).to.equal(405);
      const body = { runtime: 'tensorflow', source: 'language-id' };
      expect((await api('PUT', '/v1/models/odd%2Fdefaults', { body })).status).to.equal(201);
      expect((await api('GET', '/v1/models/odd%2Fdefaults')).body['id']).to.equal('odd/defaults');
      expect((await api('GET', '/v1/models')).status).to.equal(200);
    });
  });

  describe('a model whose name is nearly right', () => {
    it('is not found, and the one that was meant is named', async () => {
      const { newTenant } = flow();
      const { api } = await newTenant('misspellers');
      const found = await api('GET', '/v1/models/Language_ID');
      expect(found.status).to.equal(404);
      expect(found.body['detail']).to.equal('There is no model Language_ID; did you mean language-id?');
      expect((await api('GET', '/v1/models/gpt-9')).body['detail']).to.equal('There is no model gpt-9.');
      const refused = await api('POST', '/v1/inferences', { body: { model: 'language_id', input: 'a' } });
      const problem = expectProblem(refused, 404, 'model-not-found', '/model');
      expect(problem.detail).to.equal('There is no model language_id; did you mean language-id?');
    });

    it('of another tenant is never named', async () => {
      const { newTenant } = flow();
      const [owner, stranger] = [await newTenant('owners'), await newTenant('strangers')];
      const body = { runtime: 'tensorflow', source: 'language-id' };
      expect((await owner.api('PUT', '/v1/models/secret-plan', { body })).status).to.equal(201);
      expect((await owner.api('GET', '/v1/models/secret-plans')).body['detail']).to.contain(
        'did you mean secret-plan?',
      );
      expect((await stranger.api('GET', '/v1/models/secret-plans')).body['detail']).not.to.contain('did you mean');
    });
  });

  describe('a credential in the environment', () => {
    it("may not be one of Defter's own secrets", async () => {
      const { api } = flow();
      const store = (value: string) => api('POST', '/v1/credentials', { body: { name: 'c', kind: 'openai', value } });
      expect((await store('env:MASTER_KEY')).status).to.equal(422);
      expect((await store('env:API_KEY')).status).to.equal(422);
      expect((await store('env:OPENAI_API_KEY')).status).to.equal(201);
      expect((await store('env:SOME_UPSTREAM_KEY')).status).to.equal(201);
    });
  });
});
