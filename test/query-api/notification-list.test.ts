import { expect } from 'chai';
import { inboxes, type InboxState } from '#events/inbox.ts';
import { createEvent } from '#events/create-event.ts';
import type { SearchIndex } from '#platform/search-index/search-index.ts';
import { idOfNumber } from '#platform/search-index/search-index.ts';
import { decideMarkRead } from '../../command-api/notifications/decide.ts';
import { notificationsReadModel } from '../../projectors/notifications/read-model.ts';
import { audienceOf } from '../../query-api/notifications/audience.ts';
import type { FreshIndex } from '../../query-api/freshness.ts';
import { countUnread, readPage } from '../../query-api/notifications/read-list.ts';
import { given, ORIGIN } from '../support/given-decider.ts';
import { openTemporarySearchIndex } from '../support/sqlite-read-models.ts';

const NOBODYS: InboxState = { ids: [], upTo: {} };

describe('what somebody has read of what they are told', () => {
  const read = (data: { ids?: string[]; upTo?: number | null; of?: string[] }) =>
    createEvent('NotificationsRead', { ids: [], upTo: null, of: [], ...data }, ORIGIN);
  const mark = { ids: [] as string[], upTo: undefined as number | undefined, of: ['acme'], now: 5_000, origin: ORIGIN };
  const inbox = given(inboxes, 'inbox-user-ada', [read({ ids: ['a'] }), read({ upTo: 3_000, of: ['acme'] })]);

  it('is what was marked, once', () => {
    inbox
      .when((state) => decideMarkRead({ ...mark, ids: ['a', 'b', 'b'] }, state))
      .thenEvents({ type: 'NotificationsRead', data: { ids: ['b'], upTo: null, of: [] } });
    inbox
      .when((state) => decideMarkRead({ ...mark, upTo: 4_000 }, state))
      .thenEvents({ type: 'NotificationsRead', data: { ids: [], upTo: 4_000, of: ['acme'] } });
    inbox.when((state) => decideMarkRead({ ...mark, ids: ['a'], upTo: 3_000 }, state)).thenNothing();
    inbox.when((state) => decideMarkRead({ ...mark, ids: ['a'], upTo: 2_000 }, state)).thenNothing();
    inbox
      .when((state) => decideMarkRead({ ...mark, upTo: 2_000, of: ['acme', 'platform'] }, state))
      .thenEvents({ type: 'NotificationsRead', data: { ids: [], upTo: 2_000, of: ['acme', 'platform'] } });
  });

  it('is nothing that is yet to come', () => {
    inbox
      .when((state) => decideMarkRead({ ...mark, upTo: 9_000_000 }, state))
      .thenEvents({ type: 'NotificationsRead', data: { ids: [], upTo: 5_000, of: ['acme'] } });
  });

  it('is remembered of each tenant, never goes back, and one by one up to a thousand', () => {
    const { state } = given(inboxes, 'inbox-user-ada', [
      read({ upTo: 3_000, of: ['acme', 'other'] }),
      read({ upTo: 2_000, of: ['acme'] }),
      ...Array.from({ length: 12 }, (_, n) => read({ ids: Array.from({ length: 100 }, (__, m) => `${n}-${m}`) })),
      read({ ids: ['2-0'] }),
    ]);
    expect(state.upTo).to.deep.equal({ acme: 3_000, other: 3_000 });
    expect(state.ids).to.have.length(1_000);
    expect(state.ids[0]).to.equal('2-1');
    expect(state.ids.at(-1)).to.equal('2-0');
  });
});

describe('whose notifications one is shown', () => {
  const caller = {
    tenantId: 'acme',
    actor: { kind: 'user', id: 'ada' },
    holder: 'ada',
    permissionsIn: () => undefined,
  } as const;

  it("is one's tenant's, and with `platform` the installation's; nobody's of a suspended tenant", () => {
    const of = (permissions: readonly string[], suspended?: string) =>
      audienceOf({ ...caller, permissions: new Set(permissions), ...(suspended !== undefined && { suspended }) });
    expect(of(['keys:read'])).to.deep.equal({ tenants: ['acme'], permissions: ['keys:read'] });
    expect(of(['platform'])).to.deep.equal({ tenants: ['acme', 'platform'], permissions: ['platform'] });
    expect(of(['keys:read'], 'unpaid')).to.deep.equal({ tenants: ['acme'], permissions: [] });
  });
});

describe('a page of notifications', () => {
  const ROWS = 6_000;
  const NOW = 1_000 + ROWS;
  let opened: Awaited<ReturnType<typeof openTemporarySearchIndex>>;
  let index: Pick<FreshIndex, 'search'>;

  before(async () => {
    opened = await openTemporarySearchIndex('here');
    const searchIndex: SearchIndex = opened.index;
    const { index: definition } = notificationsReadModel;
    await searchIndex.define(definition);
    const row = (n: number, fields: object) => ({
      id: idOfNumber(n),
      revision: 0,
      fields: {
        tenant: 'acme',
        kind: 'model-unhealthy',
        permission: 'models:read',
        at: 1_000 + n,
        subject: 'm',
        ...fields,
      },
    });
    const rows = Array.from({ length: ROWS }, (_, n) => row(n, {}));
    await searchIndex.apply(definition.name, [
      ...rows,
      row(ROWS + 1, { permission: 'keys:read' }),
      row(ROWS + 2, { tenant: 'other' }),
      row(ROWS + 3, { at: NOW + 1 }),
    ]);
    index = {
      search: (query) => searchIndex.search(definition.name, query),
    };
  });
  after(() => opened.close());

  const asked = { audience: { tenants: ['acme'], permissions: ['models:read', 'audit:read'] }, now: NOW };
  const idsOf = ({ hits }: Awaited<ReturnType<typeof readPage>>) => hits.map(({ id }) => Number(id));
  const newest = (from: number, count: number) => Array.from({ length: count }, (_, n) => from - n);

  it('is of what one may see and is to be told by now, the newest first, and goes on where it ended', async () => {
    const all = { ...asked, inbox: NOBODYS, unread: false, limit: 3 };
    const first = await readPage(index, all);
    expect(idsOf(first)).to.deep.equal(newest(ROWS - 1, 3));
    const second = await readPage(index, { ...all, after: first.next ?? '' });
    expect(idsOf(second)).to.deep.equal(newest(ROWS - 4, 3));
    expect(await countUnread(index, { ...asked, inbox: NOBODYS }, 100)).to.equal(100);
  });

  it('is of the unread alone where that is asked, and counts them', async () => {
    const read = { ids: newest(ROWS - 1, 5).map(idOfNumber), upTo: { acme: 1_000 + ROWS - 21 } };
    const first = await readPage(index, { ...asked, inbox: read, unread: true, limit: 10 });
    expect(idsOf(first)).to.deep.equal(newest(ROWS - 6, 10));
    const last = await readPage(index, { ...asked, inbox: read, unread: true, limit: 10, after: first.next ?? '' });
    expect(idsOf(last)).to.deep.equal(newest(ROWS - 16, 5));
    expect(await countUnread(index, { ...asked, inbox: read }, 100)).to.equal(15);
  });

  it('looks at a bounded number of rows, and says where to go on', async () => {
    const read = { ids: [], upTo: { acme: NOW } };
    const first = await readPage(index, { ...asked, inbox: read, unread: true, limit: 10 });
    expect(idsOf(first)).to.deep.equal([]);
    expect(first.next).to.be.a('string');
    const rest = await readPage(index, { ...asked, inbox: read, unread: true, limit: 10, after: first.next ?? '' });
    expect([idsOf(rest), rest.next]).to.deep.equal([[], null]);
    expect(await countUnread(index, { ...asked, inbox: read }, 100)).to.equal(0);
  });

  it('is empty for who holds nothing', async () => {
    const nothing = { ...asked, audience: { tenants: ['acme'], permissions: [] }, inbox: NOBODYS };
    expect(idsOf(await readPage(index, { ...nothing, unread: false, limit: 10 }))).to.deep.equal([]);
    expect(await countUnread(index, nothing, 100)).to.equal(0);
  });
});
