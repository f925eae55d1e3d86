import { expect } from 'chai';
import { apiKeys } from '#events/api-key.ts';
import { createEvent } from '#events/create-event.ts';
import { credentials } from '#events/credential.ts';
import { inferences } from '#events/inference.ts';
import { models } from '#events/model.ts';
import { tenantNames } from '#events/tenant-name.ts';
import { tenants } from '#events/tenant.ts';
import { registeredModel, usableModel } from '#events/usable-model.ts';
import {
  decideIssueApiKey,
  decideRevokeApiKey,
  decideRotateApiKey,
  decideSetApiKeyLimits,
} from '../../command-api/api-keys/decide.ts';
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
import {
  decideClaimTenantName,
  decideCreateTenant,
  decideReinstateTenant,
  decideReleaseTenantName,
  decideRenameTenant,
  decideSetTenantLimits,
  decideSuspendTenant,
} from '../../command-api/tenants/decide.ts';
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

  it('is renamed, suspended, reinstated and limited, each once', () => {
    const { state: renamed } = given(tenant, 'tenant-1', [created])
      .when((state) => decideRenameTenant({ name: 'Acme & Sons', origin: other }, state))
      .thenEvents({ type: 'TenantRenamed', data: { name: 'Acme & Sons' } });
    expect(renamed).to.include({ status: 'active', name: 'Acme & Sons' });
    expect(decideRenameTenant({ name: 'Acme & Sons', origin: other }, renamed)).to.deep.equal([]);
    const suspend = { reason: 'unpaid', isPlatform: false, origin: other };
    const { state: suspended } = given(tenant, 'tenant-1', [created])
      .when((state) => decideSuspendTenant(suspend, state))
      .thenEvents({ type: 'TenantSuspended', data: { reason: 'unpaid' } });
    expect(suspended).to.include({ status: 'suspended', reason: 'unpaid' });
    expect(decideSuspendTenant(suspend, suspended)).to.deep.equal([]);
    expect(decideSuspendTenant({ ...suspend, reason: 'abuse' }, suspended)).to.have.length(1);
    const reinstated = given(tenant, 'tenant-1', [created, createEvent('TenantSuspended', { reason: 'unpaid' }, other)])
      .when((state) => decideReinstateTenant({ origin: other }, state))
      .thenEvents({ type: 'TenantReinstated' }).state;
    expect(reinstated).to.include({ status: 'active', reason: null });
    expect(decideReinstateTenant({ origin: other }, reinstated)).to.deep.equal([]);
    const limits = { requestsPerMinute: 60, origin: other };
    const { state: limited } = given(tenant, 'tenant-1', [created])
      .when((state) => decideSetTenantLimits(limits, state))
      .thenEvents({ type: 'TenantLimitsSet', data: { requestsPerMinute: 60 } });
    expect(decideSetTenantLimits(limits, limited)).to.deep.equal([]);
    expect(decideSetTenantLimits({ ...limits, requestsPerMinute: null }, limited)).to.have.length(1);
  });

  it('leaves an event of a repeatable command in any case', () => {
    const { state } = given(tenant, 'tenant-1', [created]);
    const command = { origin: other, repeatable: true };
    for (const decided of [
      decideRenameTenant({ ...command, name: 'Acme' }, state),
      decideReinstateTenant(command, state),
      decideSetTenantLimits({ ...command, requestsPerMinute: null }, state),
    ])
      expect(decided).to.have.length(1);
  });

  it('that is absent has nothing changed, and the platform is never suspended', () => {
    const { initial } = tenants;
    expect(decideRenameTenant({ name: 'x', origin }, initial)).to.equal('absent');
    expect(decideSuspendTenant({ reason: '', isPlatform: false, origin }, initial)).to.equal('absent');
    expect(decideReinstateTenant({ origin }, initial)).to.equal('absent');
    expect(decideSetTenantLimits({ requestsPerMinute: 1, origin }, initial)).to.equal('absent');
    given(tenant, 'tenant-platform', [created])
      .when((state) => decideSuspendTenant({ reason: '', isPlatform: true, origin }, state))
      .thenRefused('platform');
  });

  describe('name', () => {
    const name = tenantNames;
    const claimed = createEvent('TenantNameClaimed', { tenantId: 'one' }, origin);
    const claim = (tenantId: string, holderBearsIt: boolean, now: number) => ({ tenantId, holderBearsIt, now, origin });

    it('belongs to who claims it first', () => {
      given(name, 'tenantname-x')
        .when((state) => decideClaimTenantName(claim('one', false, 0), state))
        .thenEvents({ type: 'TenantNameClaimed', data: { tenantId: 'one' } });
      given(name, 'tenantname-x', [claimed])
        .when((state) => decideClaimTenantName(claim('two', true, 1e9), state))
        .thenRefused('taken');
    });

    it('is claimed no more by who bears it, and anew by who does not bear it yet', () => {
      given(name, 'tenantname-x', [claimed])
        .when((state) => decideClaimTenantName(claim('one', true, 0), state))
        .thenNothing();
      given(name, 'tenantname-x', [claimed])
        .when((state) => decideClaimTenantName(claim('one', false, 0), state))
        .thenEvents({ type: 'TenantNameClaimed', data: { tenantId: 'one' } });
    });

    it('is free again when its claimant never came to bear it, but not at once', () => {
      given(name, 'tenantname-x', [claimed])
        .when((state) => decideClaimTenantName(claim('two', false, 2_000), state))
        .thenRefused('taken');
      given(name, 'tenantname-x', [claimed])
        .when((state) => decideClaimTenantName(claim('two', false, 1_000 + 60_000), state))
        .thenEvents({ type: 'TenantNameClaimed', data: { tenantId: 'two' } });
    });

    it('is released by the claim that it was borne by, and by no older one', () => {
      const { state } = given(name, 'tenantname-x', [claimed])
        .when((before) => decideReleaseTenantName({ claimId: claimed.id, origin: other }, before))
        .thenEvents({ type: 'TenantNameReleased' });
      expect(decideClaimTenantName(claim('two', false, 0), state)).to.have.length(1);
      expect(decideReleaseTenantName({ claimId: claimed.id, origin: other }, state)).to.deep.equal([]);
      const again = createEvent('TenantNameClaimed', { tenantId: 'one' }, other);
      given(name, 'tenantname-x', [claimed, again])
        .when((before) => decideReleaseTenantName({ claimId: claimed.id, origin: other }, before))
        .thenNothing();
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

  it('has limits set while it is active', () => {
    const command = { requestsPerMinute: 60, origin: other, repeatable: false };
    const { state } = given(apiKey, 'apikey-1', [issued])
      .when((before) => decideSetApiKeyLimits(command, before))
      .thenEvents({ type: 'ApiKeyLimitsSet', data: { requestsPerMinute: 60 } });
    expect(decideSetApiKeyLimits(command, state)).to.deep.equal([]);
    expect(decideSetApiKeyLimits({ ...command, repeatable: true }, state)).to.have.length(1);
    given(apiKey, 'apikey-1', [issued, createEvent('ApiKeyRevoked', {}, other)])
      .when((before) => decideSetApiKeyLimits(command, before))
      .thenRefused('inactive');
  });

  describe('that is rotated', () => {
    const rotation = { successor: 'next', until: 50_000, now: 10_000, origin: other };

    it('has one successor and a new end, never a later one', () => {
      const { state } = given(apiKey, 'apikey-1', [issued])
        .when((before) => decideRotateApiKey(rotation, before))
        .thenEvents({ type: 'ApiKeyRotated', data: { successor: 'next', expiresAt: 50_000 } });
      expect(decideRotateApiKey(rotation, state)).to.deep.equal([]);
      expect(decideRotateApiKey({ ...rotation, successor: 'another' }, state)).to.equal('rotated');
      given(apiKey, 'apikey-1', [createEvent('ApiKeyIssued', { ...data, expiresAt: 20_000 }, origin)])
        .when((before) => decideRotateApiKey(rotation, before))
        .thenEvents({ type: 'ApiKeyRotated', data: { successor: 'next', expiresAt: 20_000 } });
    });

    it('is active', () => {
      const expired = createEvent('ApiKeyIssued', { ...data, expiresAt: 9_999 }, origin);
      for (const past of [[], [issued, createEvent('ApiKeyRevoked', {}, other)], [expired]])
        given(apiKey, 'apikey-1', past)
          .when((before) => decideRotateApiKey(rotation, before))
          .thenRefused('inactive');
    });
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
