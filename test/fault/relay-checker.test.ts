// The judge of I3 is judged: each way in which Kafka may differ from the log is told, and nothing else is.

import { expect } from 'chai';
import fc from 'fast-check';
import type { RecordedEvent } from '#events/envelope.ts';
import { checkRelayed, type RelayedHistory, type RelayedRecord } from '../support/check-relayed.ts';
import { countedEvent, RELAY_TOPICS, relayPartitionOf, relayTopicOf } from '../support/relay-language.ts';

/** As if `streams[n]` had got the n-th event of the log, at positions that are not dense. */
function logOf(streams: readonly string[]): RecordedEvent[] {
  const revisions = new Map<string, number>();
  return streams.map((stream, n) => {
    const revision = (revisions.get(stream) ?? -1) + 1;
    revisions.set(stream, revision);
    return { ...countedEvent(n), stream, revision, position: BigInt(10 * (n + 1)), recordedAt: n };
  });
}

function placeOf({ stream }: { readonly stream: string }): string {
  const topic = relayTopicOf(stream) ?? '';
  return `${topic}/${relayPartitionOf(topic, stream)}`;
}

/** What a faultless relay would have written. */
function relayed(log: readonly RecordedEvent[], upTo = log.length): Faultless {
  const records: Records = new Map();
  for (const event of log.slice(0, upTo)) {
    const place = placeOf(event);
    records.set(place, [...(records.get(place) ?? []), { ...event }]);
  }
  const checkpoint = log[upTo - 1]?.position ?? 0n;
  return { log, records, topicOf: relayTopicOf, partitionOf: relayPartitionOf, checkpoint };
}
type Records = Map<string, RelayedRecord[]>;
type Faultless = Omit<RelayedHistory, 'records'> & { readonly records: Records };

const streams = fc.array(fc.constantFrom('alpha-1', 'alpha-2', 'alpha-3', 'beta-1', 'beta-2'), {
  minLength: 1,
  maxLength: 40,
});

describe('the checker of what was relayed', () => {
  const log = logOf(['alpha-1', 'beta-1', 'alpha-1', 'alpha-2', 'alpha-1', 'beta-1']);

  /** A faultless history with one partition's records changed. */
  function broken(change: (records: RelayedRecord[], all: Records) => RelayedRecord[]): string[] {
    const history = relayed(log);
    const place = placeOf({ stream: 'alpha-1' });
    history.records.set(place, change(history.records.get(place) ?? [], history.records));
    return checkRelayed(history);
  }

  it('finds nothing wrong with what a faultless relay wrote, however far it came', () => {
    fc.assert(
      fc.property(streams, fc.double({ min: 0, max: 1, noNaN: true }), (names, part) => {
        const log = logOf(names);
        expect(checkRelayed(relayed(log, Math.floor(part * log.length)))).to.deep.equal([]);
      }),
    );
    expect(checkRelayed(relayed([]))).to.deep.equal([]);
  });

  it('tells every single record that is missing, doubled or swapped with its neighbour', () => {
    fc.assert(
      fc.property(streams, fc.nat(), fc.constantFrom('lost', 'doubled', 'reordered'), (names, at, fault) => {
        const history = relayed(logOf(names));
        const places = [...history.records.keys()];
        const place = places[at % places.length] ?? '';
        const records = history.records.get(place) ?? [];
        const index = at % records.length;
        const record = records[index];
        fc.pre(record !== undefined && (fault !== 'reordered' || index > 0));
        if (fault === 'lost') records.splice(index, 1);
        else if (fault === 'doubled') records.push(record);
        else records.splice(index - 1, 2, record, ...records.slice(index - 1, index));
        const violations = checkRelayed(history);
        expect(violations).to.have.length(1);
        expect(violations[0])
          .to.match(new RegExp(`^${fault}: `))
          .and.include('position ');
      }),
    );
  });

  it('tells a record that was lost', () => {
    expect(broken((records) => records.slice(1))).to.match(/^lost: Counted .* \(alpha-1 revision 0, position 10\)/);
  });

  it('tells a record that is in another partition, once', () => {
    const violations = broken((records, all) => {
      const other = placeOf({ stream: 'beta-1' });
      all.set(other, [...records.slice(0, 1), ...(all.get(other) ?? [])]);
      return records.slice(1);
    });
    expect(violations).to.have.length(1);
    expect(violations[0]).to.match(/^misplaced: .* in defter\.beta\//);
  });

  it('tells a doubled record though the copy is in another topic', () => {
    const violations = broken((records, all) => {
      all.set(`${RELAY_TOPICS[1]}/9`, records.slice(0, 1));
      return records;
    });
    expect(violations).to.have.length(1);
    expect(violations[0]).to.match(/^doubled: /);
  });

  it('tells a record that is of no event of the log', () => {
    const foreign = { id: 'x', type: 'Counted', stream: 'alpha-1', revision: 9, position: 35n };
    expect(broken((records) => [...records, foreign])).to.match(/^foreign: /);
  });

  it('tells a record beyond the checkpoint', () => {
    const history = relayed(log);
    const violations = checkRelayed({ ...history, checkpoint: 50n });
    expect(violations).to.have.length(1);
    expect(violations[0]).to.match(/^beyond checkpoint 50: .*position 60/);
  });

  it('tells a checkpoint that is no position of the log, and one that is beyond its end', () => {
    expect(checkRelayed({ ...relayed(log), checkpoint: 61n })).to.match(/^checkpoint 61 is no event's position/);
  });

  for (const [what, changed] of [
    ['stream', { stream: 'alpha-2' }],
    ['revision', { revision: 7 }],
    ['position', { position: 11n }],
    ['type', { type: 'Other' }],
    ['data', { data: { number: -1, text: '' } }],
  ] as const) {
    it(`tells a record whose ${what} is not the event's`, () => {
      const violations = broken(([first, ...rest]) => [{ ...(first as RelayedRecord), ...changed }, ...rest]);
      expect(violations).to.have.length(1);
      expect(violations[0]).to.match(/^altered: /);
    });
  }

  it('takes no offence at data of a class of its own', () => {
    class Data {
      number = 0;
      text = '';
    }
    expect(broken(([first, ...rest]) => [{ ...(first as RelayedRecord), data: new Data() }, ...rest])).to.deep.equal(
      [],
    );
  });

  it('tells a log that is itself out of order or has an event twice, and a stream without a topic', () => {
    const [first, second, ...rest] = log as [RecordedEvent, RecordedEvent, ...RecordedEvent[]];
    expect(checkRelayed(relayed([second, first, ...rest])).join('\n')).to.match(/^log out of order: /m);
    const again = { ...first, position: 70n, revision: 3 };
    expect(checkRelayed(relayed([...log, again])).join('\n')).to.match(/^twice in the log: /m);
    const strange = { ...first, id: 'y', stream: 'gamma-1', position: 70n };
    expect(checkRelayed({ ...relayed(log), log: [...log, strange] })).to.match(/^no topic: .*gamma-1/);
  });
});
