import { expect } from 'chai';
import { createEvent } from '#events/create-event.ts';
import { Problem } from '#platform/http/problem.ts';
import { type AskedFilter, auditFilter, isAsked, queryOf } from '../../query-api/audit/audit-filter.ts';
import { ORIGIN, recorded } from '../support/given-decider.ts';

const ask = (asked: Partial<AskedFilter>, tenants: readonly string[] | undefined = ['acme']) =>
  auditFilter({ reads: false, ...asked }, tenants);

const faults = (asked: Partial<AskedFilter>): unknown => {
  try {
    return ask(asked);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return error.errors?.map(({ pointer, message }) => [pointer, message]);
  }
};

describe('what is asked of the audit', () => {
  it('leaves out who read it, unless they are asked for', () => {
    expect(queryOf(ask({})).conditions).to.deep.equal([{ field: 'type', notIn: ['AuditRead'] }]);
    expect(queryOf(ask({ reads: true })).conditions).to.deep.equal([]);
    for (const asked of [{ type: ['AuditRead'] }, { kind: ['access'] }])
      expect(queryOf(ask(asked)).conditions).to.deep.equal([{ field: 'type', in: ['AuditRead'] }]);
  });

  it('is of kinds and of types, and of those that are both where both are named', () => {
    const typesOf = (asked: Partial<AskedFilter>) => ask(asked).types;
    expect(typesOf({ kind: ['credential'] })).to.deep.equal(['CredentialStored', 'CredentialDeleted']);
    expect(typesOf({ kind: ['credential'], type: ['CredentialStored', 'TenantCreated'] })).to.deep.equal([
      'CredentialStored',
    ]);
    expect(typesOf({ kind: ['credential'], type: ['TenantCreated'] })).to.deep.equal([]);
  });

  it('names what there is not, with what was meant', () => {
    expect(faults({ type: ['TenantCreate'] })).to.deep.equal([
      ['/type', 'There is no type TenantCreate; did you mean TenantCreated?'],
    ]);
    expect(faults({ kind: ['model', 'modle'] })).to.deep.equal([
      ['/kind/1', 'There is no kind modle; did you mean model?'],
    ]);
    expect(faults({ from: 2, to: 1 })).to.deep.equal([['/to', 'Must not be before `from`']]);
    expect(faults({ actorKind: 'user' })).to.deep.equal([['/actorKind', 'Only together with `actor`']]);
    const without = [['/q', 'Must hold a word: signs are not searched']];
    for (const q of ['*', '"', '--', "';"]) expect(faults({ q }), q).to.deep.equal(without);
    const many = Array.from({ length: 200 }, (_, n) => String.fromCodePoint(0x4e00 + n)).join('');
    expect(JSON.stringify(faults({ q: many }))).to.include('more than 128 words');
  });

  it('takes the syntax of every query language for words', () => {
    const wordsOf = (q: string) => ask({ q }).words;
    expect(wordsOf("'; DROP TABLE audit; --")).to.deep.equal(['drop', 'table', 'audit']);
    expect(wordsOf('type:TenantCreated AND (NOT "x")')).to.deep.equal(['type', 'tenantcreated', 'and', 'not', 'x']);
    expect(wordsOf('NEAR(a b, 2) ^c col:d* -e')).to.deep.equal(['near', 'a', 'b', '2', 'c', 'col', 'd*', 'e']);
  });

  it('means the same where the log itself is looked through', () => {
    const event = recorded(createEvent('TenantCreated', { name: 'Acme' }, ORIGIN), 'tenant-acme', 0, 1_000);
    const read = { ...event, type: 'AuditRead' };
    const cases: [Partial<AskedFilter>, boolean][] = [
      [{}, true],
      [{ type: ['TenantCreated'] }, true],
      [{ type: ['TenantRenamed'] }, false],
      [{ actor: 'k1' }, true],
      [{ actor: 'k1', actorKind: 'user' }, false],
      [{ actor: 'k2' }, false],
      [{ from: 1_000, to: 1_001 }, true],
      [{ to: 1_000 }, false],
      [{ from: 1_001 }, false],
    ];
    for (const [asked, expected] of cases) expect(isAsked(ask(asked), event), JSON.stringify(asked)).to.equal(expected);
    expect(isAsked(ask({}, ['other']), event)).to.equal(false);
    expect(isAsked(auditFilter({ reads: false }, undefined), event)).to.equal(true);
    expect(isAsked(ask({}), read)).to.equal(false);
    expect(isAsked(ask({ reads: true }), read)).to.equal(true);
    expect(isAsked(ask({ type: ['AuditRead'] }), read)).to.equal(true);
  });
});
