import { expect } from 'chai';
import { aggregates } from '#events/aggregates.ts';
import { createEvent } from '#events/create-event.ts';
import type { RecordedEvent } from '#events/envelope.ts';
import { LIST_CHANGES, type ListChangesMessage } from '#events/live.ts';
import { LISTS } from '../../query-api/notifications/list-changes.ts';
import { auditReadModel } from '../../projectors/audit/read-model.ts';
import { startListHints } from '../../projectors/hints/list-hints.ts';
import { inferencesReadModel } from '../../projectors/inferences/read-model.ts';
import { standingReadModel } from '../../projectors/standing/read-model.ts';
import { eventually } from '../support/eventually.ts';
import { ORIGIN, recorded } from '../support/given-decider.ts';
import { plainContent } from '../support/given-projection.ts';
import { createQuietLog } from '../support/quiet-log.ts';

const renamed = (tenantId: string) =>
  recorded(createEvent('TenantRenamed', { name: 'Acme' }, { ...ORIGIN, tenantId }), `tenant-${tenantId}`, 1);
const cancelled = (n: number) => recorded(createEvent('InferenceCancelled', {}, ORIGIN), `inference-${n}`, 1);
const written = (...events: readonly RecordedEvent[]) => events.map((event) => ({ event }));

describe('what projectors say of changed lists', () => {
  const steps: string[] = [];
  let said: ListChangesMessage['changes'][];
  let hints: ReturnType<typeof startListHints>;
  const start = (saidEveryMs: number, refresh = async () => void steps.push('refresh')) => {
    hints = startListHints({
      live: {
        publish(channel, value) {
          expect(channel).to.equal(LIST_CHANGES);
          steps.push('publish');
          said.push((value as ListChangesMessage).changes);
        },
      },
      searchIndex: { refresh },
      log: createQuietLog(),
      saidEveryMs,
    });
  };
  beforeEach(() => {
    said = [];
    steps.length = 0;
  });
  afterEach(() => hints.stop());

  it('is how many events changed which, by tenant, in one message however many they are', async () => {
    start(60_000);
    for (let n = 0; n < 1_000; n++) hints.note(inferencesReadModel, written(cancelled(n)));
    hints.note(inferencesReadModel, written(renamed('acme')));
    await eventually(() => expect(said).to.deep.equal([{ acme: { inference: 1_000 } }]));
    hints.note(inferencesReadModel, written(cancelled(1)));
    hints.note(standingReadModel, written(renamed('acme'), renamed('other'), cancelled(1)));
    await eventually(() => expect(said).to.have.length(2));
    expect(said[1]).to.deep.equal({ acme: { tenant: 1 }, other: { tenant: 1 } });
  });

  it('is not said before a search shows it', async () => {
    start(0);
    hints.note(auditReadModel, written(cancelled(1)));
    await eventually(() => expect(steps).to.deep.equal(['refresh', 'publish']));
    hints.note(standingReadModel, written(renamed('acme')));
    await eventually(() => expect(steps).to.deep.equal(['refresh', 'publish', 'publish']));
  });

  it('comes again for what changed meanwhile, and goes on after a store was away', async () => {
    let away = true;
    start(1, async () => {
      if (away) throw new Error('away');
    });
    hints.note(auditReadModel, written(cancelled(1)));
    await eventually(() => expect(away).to.equal(true));
    away = false;
    await eventually(() => {
      hints.note(auditReadModel, written(cancelled(2)));
      expect(said.length).to.be.greaterThan(1);
    });
  });

  it('leaves out that somebody read the audit', async () => {
    start(0);
    const data = { route: 'listAudit', query: plainContent({}), tenant: null };
    hints.note(auditReadModel, written(recorded(createEvent('AuditRead', data, ORIGIN), 'access-acme-2026-08-01', 0)));
    hints.note(standingReadModel, written(renamed('acme')));
    await eventually(() => expect(said).to.deep.equal([{ acme: { tenant: 1 } }]));
  });

  it('names many tenants in several messages', async () => {
    start(0);
    hints.note(standingReadModel, written(...Array.from({ length: 1_200 }, (_, n) => renamed(`t${n}`))));
    await eventually(() => expect(said).to.have.length(3));
    expect(said.flatMap((one) => Object.keys(one))).to.have.length(1_200);
  });

  it('is of lists that somebody may read: each kind of thing that is listed has its permission', () => {
    hints = startListHints({
      live: { publish: () => undefined },
      searchIndex: { refresh: async () => {} },
      log: createQuietLog(),
    });
    const listed = aggregates.filter(({ standing }) => standing !== undefined).map(({ category }) => category);
    expect(Object.keys(LISTS)).to.include.members([...listed, 'inference', 'audit']);
  });
});
