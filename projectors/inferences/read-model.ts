// The searchable list of inferences: one row for each, by the position of its request, without content but for its folded
// words.

import { inferences } from '#events/inference.ts';
import { categoryOf, subjectOf } from '#events/streams.ts';
import type { StreamRowProjection } from '#platform/projection/projection.ts';
import { maxWords } from '#platform/search-index/fold.ts';
import { createTextOpener, wordsOf } from './open-texts.ts';
import { MOST_CHARACTERS } from './written-texts.ts';

export interface InferenceRow {
  readonly inference: string;
  readonly tenant: string;
  readonly status: 'queued' | 'completed' | 'failed' | 'cancelled';
  readonly model: string;
  readonly createdAt: number;
  readonly endedAt: number | null;
  /** Of what was asked and answered, in the clear; indexed once, at the end. */
  readonly words: string;
}

/** What of each input, and of each output, is found by its words. */
export const SEARCHED = { characters: MOST_CHARACTERS, differentWords: maxWords } as const;

export const inferencesReadModel: StreamRowProjection<InferenceRow> = {
  kind: 'stream-row',
  name: 'inferences',
  topics: [inferences.topic],
  shape: 3,
  index: {
    name: 'inferences',
    fields: {
      inference: 'keyword',
      tenant: 'code',
      status: 'code',
      model: 'code',
      position: 'number',
      createdAt: 'number',
      endedAt: 'number',
      words: 'text',
    },
    sortBy: 'position',
    partitionBy: 'tenant',
    numbered: true,
    findBy: ['status', 'model'],
    rising: 'createdAt',
  },
  createOpener: createTextOpener,
  concerns: (stream) => categoryOf(stream) === 'inference',
  hintOf: ({ stream }) => (categoryOf(stream) === 'inference' ? 'inference' : undefined),
  project(before, event) {
    if (!inferences.owns(event)) return 'ignore';
    if (event.type === 'InferenceRequested') {
      if (before) return 'ignore';
      const { tenantId: tenant } = event.metadata;
      const { model, input } = event.data;
      const words = wordsOf(input);
      const inference = subjectOf(event.stream);
      return { inference, tenant, status: 'queued', model, createdAt: event.recordedAt, endedAt: null, words };
    }
    if (before?.status !== 'queued') return 'ignore';
    const ended = { ...before, endedAt: event.recordedAt };
    switch (event.type) {
      case 'InferenceCompleted':
        return { ...ended, status: 'completed', words: together(before.words, wordsOf(event.data.output)) };
      case 'InferenceFailed':
        return { ...ended, status: 'failed' };
      case 'InferenceCancelled':
        return { ...ended, status: 'cancelled' };
    }
  },
  fields: (row) => ({ ...row, words: row.endedAt === null ? null : row.words }),
  ended: ({ endedAt }) => endedAt !== null,
};

/** Each has a bound of its own, so that a long question leaves its answer room. */
const together = (asked: string, answered: string) =>
  [...new Set(`${asked} ${answered}`.split(' '))].filter((word) => word !== '').join(' ');
