import { expect } from 'chai';
import {
  AppendOutcomeUnknown,
  EventRefused,
  EventStoreBusy,
  EventTooLarge,
} from '#platform/event-store/event-store.ts';
import { PreconditionFailed } from '#platform/event-store/handle-command.ts';
import { problemOf } from '../../command-api/problem-of.ts';

const sqlite = (errcode: number) => Object.assign(new Error('x'), { code: 'ERR_SQLITE_ERROR', errcode });

describe('what a caller is told when a write is refused', () => {
  const cases: [string, Error, number | undefined][] = [
    ['a full disk under SQLite', sqlite(13), 503],
    ['an extended I/O error', sqlite(10 | (3 << 8)), 503],
    ['a full disk under a blob', Object.assign(new Error('x'), { code: 'ENOSPC' }), 503],
    ['a busy log', new EventStoreBusy('x'), 503],
    ['an unknown outcome', new AppendOutcomeUnknown('x'), 503],
    ['a server that does not answer', Object.assign(new Error('x'), { retriable: true }), 503],
    ['another revision', new PreconditionFailed('s', 1, 2), 412],
    ['too large an event', new EventTooLarge('x'), 422],
    ['an event that does not fit its schema', new EventRefused('x'), undefined],
    ['a constraint that no one foresaw', sqlite(19), undefined],
    ['a bug', new TypeError('x'), undefined],
  ];
  for (const [title, error, status] of cases)
    it(`${title}: ${status ?? 'an unexpected error'}`, () => {
      const problem = problemOf(error);
      expect(problem?.status).to.equal(status);
      if (status === 503) expect(problem?.headers).to.have.property('retry-after');
    });
});
