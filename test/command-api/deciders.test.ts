import { expect } from 'chai';
import { apiKeys } from '#events/api-key.ts';
import { createEvent } from '#events/create-event.ts';
import { credentials } from '#events/credential.ts';
import { inferences } from '#events/inference.ts';
import { models } from '#events/model.ts';
import { tenantNames } from '#events/tenant-name.ts';
import { tenants } from '#events/tenant.ts';
import { registeredModel, usableModel } from '#events/usable-model.ts';
import { decideIssueApiKey, decideRevokeApiKey } from '../../command-api/api-keys/decide.ts';
import { decideDeleteCredential, decideStoreCredential } from '../../command-api/credentials/decide.ts';
import { decideCancelInference } from '../../command-api/inferences/decide.ts';
import {
  decideGrantModel,
  decideRegisterModel,
  decideReinstateModel,
  decideRetireModel,
  decideSetModelDefaults,
  decideWithdrawModelGrant,
  MOST_GRANTS,
} from '../../command-api/models/decide.ts';
import { decideClaimTenantName, decideCreateTenant } from '../../command-api/tenants/decide.ts';
import { given, ORIGIN } from '../support/given-decider.ts';
import { modelDefinition as definition } from '../support/model-definition.ts';

const origin = ORIGIN;
const again = { ...ORIGIN, eventId: '018f0000-0000-7000-8000-00000000000a' };
const other = { ...again, commandId: '018f0000-0000-7000-8000-00000000000b' };

describe('tenant', () => {
  const tenant = tenants;
  const created = createEvent('TenantCreated', { name: 'Acme' }, origin);

  it('is created once', () => {
    given(tenant, 'tenant-1')
      .when((state) => decideCreateTenant({ name: 'Acme', origin }, state))
      .thenEvents({ type: 'TenantCreated', data: { name: 'Acme' } });
    given(tenant, 'tenant-1', [created])
      .when((state) => decideCreateTenant({ name: 'Acme', origin }, state))
      .thenNothing();
  });

  describe('name', () => {
    const name = tenantNames;
    const claimed = createEvent('TenantNameClaimed', { tenantId: 'one' }, origin);
    const claim = (tenantId: string, holderExists: boolean, now: number) => ({ tenantId, holderExists, now, origin });

    it('belongs to who claims it first', () => {
      given(name, 'tenantname-x')
        .when((state) => decideClaimTenantName(claim('one', false, 0), state))
        .thenEvents({ type: 'TenantNameClaimed', data: { tenantId: 'one' } });
      given(name, 'tenantname-x', [claimed])
        .when((state) => decideClaimTenantName(claim('two', true, 1e9), state))
        .thenRefused('taken');
    });

    it('may be claimed again by its holder', () => {
      given(name, 'tenantname-x', [claimed])
        .when((state) => decideClaimTenantName(claim('one', true, 0), state))
        .thenNothing();
    });

    it('is free again when its claimant never came to be, but not at once', () => {
      given(name, 'tenantname-x', [claimed])
        .when((state) => decideClaimTenantName(claim('two', false, 2_000), state))
        .thenRefused('taken');
      given(name, 'tenantname-x', [claimed])
        .when((state) => decideClaimTenantName(claim('two', false, 1_000 + 60_000), state))
        .thenEvents({ type: 'TenantNameClaimed', data: { tenantId: 'two' } });
    });
  });
});

describe('API key', () => {
  const apiKey = apiKeys;
  const data = {
    name: 'ci',
    hash: 'ab',
    last4: 'wxyz',
    scopes: ['inference:write'],
    expiresAt: null,
    models: null,
    personId: null,
  };
  const issued = createEvent('ApiKeyIssued', data, origin);

  it('is issued once and revoked once', () => {
    given(apiKey, 'apikey-1')
      .when((state) => decideIssueApiKey({ ...data, origin }, state))
      .thenEvents({ type: 'ApiKeyIssued', data });
    given(apiKey, 'apikey-1', [issued])
      .when((state) => decideIssueApiKey({ ...data, origin }, state))
      .thenNothing();
    const { state } = given(apiKey, 'apikey-1', [issued])
      .when((state) => decideRevokeApiKey(origin, state))
      .thenEvents({ type: 'ApiKeyRevoked' });
    expect(state.status).to.equal('revoked');
    expect(decideRevokeApiKey(origin, state)).to.deep.equal([]);
  });
});

describe('credential', () => {
  const credential = credentials;
  const data = { name: 'openai', kind: 'openai' as const, last4: 'wxyz', secretId: 's', environment: null };

  it('is stored once and deleted once', () => {
    const { state } = given(credential, 'credential-1')
      .when((state) => decideStoreCredential({ ...data, origin }, state))
      .thenEvents({ type: 'CredentialStored', data });
    expect(decideStoreCredential({ ...data, origin }, state)).to.deep.equal([]);
    expect(decideDeleteCredential(origin, state)).to.have.length(1);
    expect(decideDeleteCredential(origin, credentials.initial)).to.deep.equal([]);
  });
});

describe('model', () => {
  const model = models;
  const registered = createEvent('ModelRegistered', definition, origin);
  const defaults = { temperature: '0.2' };

  it('is registered; the same again changes nothing', () => {
    given(model, 'model-acme-m')
      .when((state) => decideRegisterModel({ definition, origin }, state))
      .thenEvents({ type: 'ModelRegistered', data: definition });
    given(model, 'model-acme-m', [registered])
      .when((state) => decideRegisterModel({ definition: { ...definition }, origin: other }, state))
      .thenNothing();
  });

  it('leaves an event of a repeatable command in any case, so that its repeat is known and undoes nothing', () => {
    const set = createEvent('ModelDefaultsSet', { defaults }, other);
    const granted = createEvent('ModelGranted', { to: ['one'] }, other);
    const command = { origin: { ...other, commandId: 'c3' }, repeatable: true };
    given(model, 'model-acme-m', [registered])
      .when((state) => decideRegisterModel({ definition, origin: other, repeatable: true }, state))
      .thenEvents({ type: 'ModelRegistered', data: definition });
    given(model, 'model-acme-m', [registered, set])
      .when((state) => decideSetModelDefaults({ ...command, defaults, overPlatform: false }, state))
      .thenEvents({ type: 'ModelDefaultsSet', data: { defaults } });
    given(model, 'model-platform-m', [registered, granted])
      .when((state) => decideGrantModel({ ...command, to: ['one'] }, state))
      .thenEvents({ type: 'ModelGranted', data: { to: ['one'] } });
    given(model, 'model-platform-m', [registered])
      .when((state) => decideWithdrawModelGrant({ ...command, from: 'one' }, state))
      .thenEvents({ type: 'ModelGrantWithdrawn', data: { from: ['one'] } });
    given(model, 'model-acme-m', [registered, createEvent('ModelRetired', {}, other)])
      .when((state) => decideRetireModel(command, state))
      .thenEvents({ type: 'ModelRetired' });
    given(model, 'model-acme-m', [registered])
      .when((state) => decideReinstateModel(command, state))
      .thenEvents({ type: 'ModelReinstated' });
  });

  it('has defaults set, kept by a later registration and dropped by one after retirement', () => {
    const { state } = given(model, 'model-acme-m', [registered, createEvent('ModelDefaultsSet', { defaults }, other)])
      .when((before) =>
        decideRegisterModel(
          { definition: { ...definition, description: 'new' }, origin: { ...other, commandId: 'c3' } },
          before,
        ),
      )
      .thenEvents({ type: 'ModelRegistered', data: { ...definition, description: 'new' } });
    expect(registeredModel(state)?.defaults).to.deep.equal(defaults);
    const anew = given(model, 'model-acme-m', [
      registered,
      createEvent('ModelDefaultsSet', { defaults }, other),
      createEvent('ModelRetired', {}, other),
      registered,
    ]).state;
    expect(registeredModel(anew)?.defaults).to.deep.equal({});
  });

  it('that is retired or absent has nothing changed', () => {
    const retired = given(model, 'model-acme-m', [registered, createEvent('ModelRetired', {}, other)]).state;
    for (const state of [retired, models.initial]) {
      const command = { defaults, overPlatform: false, origin: again };
      expect(decideSetModelDefaults(command, state)).to.equal('absent');
      expect(decideGrantModel({ to: ['*'], origin: again }, state)).to.equal('absent');
      expect(decideWithdrawModelGrant({ from: '*', origin: again }, state)).to.equal('absent');
    }
    expect(decideRetireModel({ origin: again }, retired)).to.deep.equal([]);
    expect(decideRetireModel({ origin: again }, models.initial)).to.equal('absent');
    expect(decideReinstateModel({ origin: again }, models.initial)).to.equal('absent');
  });

  it('comes back from retirement with its defaults and grants', () => {
    const set = createEvent('ModelDefaultsSet', { defaults }, other);
    const granted = createEvent('ModelGranted', { to: ['one'] }, other);
    const { state } = given(model, 'model-platform-m', [
      registered,
      set,
      granted,
      createEvent('ModelRetired', {}, other),
    ])
      .when((before) => decideReinstateModel({ origin: again }, before))
      .thenEvents({ type: 'ModelReinstated' });
    expect(registeredModel(state)).to.deep.include({ defaults, grantedTo: ['one'] });
    expect(decideReinstateModel({ origin: again }, state)).to.deep.equal([]);
  });

  describe('of the platform, as a tenant uses it', () => {
    const set = createEvent('ModelDefaultsSet', { defaults }, other);
    const retired = createEvent('ModelRetired', {}, other);
    const shared = given(model, 'model-platform-m', [
      { ...registered, metadata: { ...registered.metadata, tenantId: 'platform' } },
      createEvent('ModelDefaultsSet', { defaults: { temperature: '0.9', n: '2' } }, other),
      createEvent('ModelGranted', { to: ['acme'] }, other),
    ]).state;

    it('has defaults of the tenant over those of the platform', () => {
      const { state } = given(model, 'model-acme-m')
        .when((before) => decideSetModelDefaults({ defaults, overPlatform: true, origin }, before))
        .thenEvents({ type: 'ModelDefaultsSet', data: { defaults } });
      expect(usableModel('acme', state, shared)).to.deep.include({
        owner: 'platform',
        defaults: { temperature: '0.2', n: '2' },
      });
      expect(usableModel('other', undefined, shared)).to.equal(undefined);
      given(model, 'model-acme-m', [set])
        .when((before) => decideSetModelDefaults({ defaults, overPlatform: true, origin }, before))
        .thenNothing();
      given(model, 'model-acme-m')
        .when((before) => decideSetModelDefaults({ defaults, overPlatform: false, origin }, before))
        .thenRefused('absent');
    });

    it('leaves nothing to retire or to bring back', () => {
      const { state } = given(model, 'model-acme-m', [set]);
      expect(decideRetireModel({ origin }, state)).to.equal('absent');
      expect(decideReinstateModel({ origin }, state)).to.equal('absent');
    });

    it('is hidden by one of its own, and back with the defaults once that is retired', () => {
      const own = given(model, 'model-acme-m', [set, registered]).state;
      expect(usableModel('acme', own, shared)).to.deep.include({ owner: 'acme', defaults: {} });
      const ownSet = createEvent('ModelDefaultsSet', { defaults: { seed: '1' } }, other);
      const back = given(model, 'model-acme-m', [set, registered, ownSet, retired]).state;
      expect(usableModel('acme', back, shared)).to.deep.include({
        owner: 'platform',
        defaults: { temperature: '0.2', n: '2' },
      });
      const setSince = given(model, 'model-acme-m', [registered, ownSet, retired, set]).state;
      expect(usableModel('acme', setSince, shared)?.defaults).to.deep.equal({ temperature: '0.2', n: '2' });
      const again = given(model, 'model-acme-m', [
        registered,
        ownSet,
        retired,
        set,
        createEvent('ModelReinstated', {}, other),
      ]).state;
      expect(usableModel('acme', again, shared)).to.deep.include({ owner: 'acme', defaults: { seed: '1' } });
    });
  });

  describe('that is granted', () => {
    const granted = (...to: string[]) => [registered, createEvent('ModelGranted', { to }, other)];

    it('is granted to one more, not instead', () => {
      const { state } = given(model, 'model-platform-m', granted('one'))
        .when((before) => decideGrantModel({ to: ['two'], origin: again }, before))
        .thenEvents({ type: 'ModelGranted', data: { to: ['two'] } });
      expect(registeredModel(state)?.grantedTo).to.deep.equal(['one', 'two']);
      given(model, 'model-platform-m', granted('one', '*'))
        .when((before) => decideGrantModel({ to: ['one'], origin: again }, before))
        .thenNothing();
    });

    it('is withdrawn from one, and from all: who has it by name keeps it', () => {
      const { state } = given(model, 'model-platform-m', granted('one', 'two'))
        .when((before) => decideWithdrawModelGrant({ from: 'one', origin: again }, before))
        .thenEvents({ type: 'ModelGrantWithdrawn', data: { from: ['one'] } });
      expect(registeredModel(state)?.grantedTo).to.deep.equal(['two']);
      expect(decideWithdrawModelGrant({ from: 'one', origin: again }, state)).to.deep.equal([]);
      const { state: named } = given(model, 'model-platform-m', granted('*', 'two'))
        .when((before) => decideWithdrawModelGrant({ from: '*', origin: again }, before))
        .thenEvents({ type: 'ModelGrantWithdrawn', data: { from: ['*'] } });
      expect(registeredModel(named)?.grantedTo).to.deep.equal(['two']);
    });

    it('to all is not withdrawn from one, though it has it by name too', () => {
      for (const to of [['*'], ['one', '*']])
        given(model, 'model-platform-m', granted(...to))
          .when((before) => decideWithdrawModelGrant({ from: 'one', origin: again }, before))
          .thenRefused('granted-to-all');
    });

    it('has no more grants than can be read with each request', () => {
      const all = Array.from({ length: MOST_GRANTS }, (_, n) => `t${n}`);
      given(model, 'model-platform-m', granted(...all))
        .when((before) => decideGrantModel({ to: ['one'], origin: again }, before))
        .thenRefused('too-many');
    });
  });
});

describe('inference', () => {
  const inference = inferences;
  const content = { keyId: 'acme/2026-08-01', sealed: 'x', blob: null, bytes: 1 };
  const requested = createEvent(
    'InferenceRequested',
    { model: 'm', modelOwner: 'acme', form: 'input' as const, input: content, parameters: {}, deadline: 9 },
    origin,
  );
  const completed = createEvent(
    'InferenceCompleted',
    { output: content, inputTokens: 1, outputTokens: 1, cache: 'bypass' as const, startedAt: 1, attempt: 1 },
    origin,
  );
  const cancel = { tenantId: 'acme', origin };

  it('is cancelled while it has no end', () => {
    const { state } = given(inference, 'inference-1', [requested])
      .when((state) => decideCancelInference(cancel, state))
      .thenEvents({ type: 'InferenceCancelled' });
    expect(decideCancelInference(cancel, state)).to.deep.equal([]);
  });

  it('stays completed', () => {
    given(inference, 'inference-1', [requested, completed])
      .when((state) => decideCancelInference(cancel, state))
      .thenRefused('ended');
  });

  it('of another tenant is absent', () => {
    given(inference, 'inference-1', [requested])
      .when((state) => decideCancelInference({ ...cancel, tenantId: 'other' }, state))
      .thenRefused('absent');
    given(inference, 'inference-1')
      .when((state) => decideCancelInference(cancel, state))
      .thenRefused('absent');
  });

  it('has one result: a second changes nothing', () => {
    const late = createEvent('InferenceCancelled', {}, other);
    expect(given(inference, 'inference-1', [requested, completed, late]).state).to.have.property('status', 'completed');
  });
});
