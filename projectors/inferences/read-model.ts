// The searchable list of inferences: one row for each, without content but for its folded words.

import { inferences } from '#events/inference.ts';
import { categoryOf, subjectOf } from '#events/streams.ts';
import type { StreamRowProjection } from '#platform/projection/projection.ts';
import { foldToField } from '#platform/search-index/fold.ts';
import { createTextOpener, textOf } from './open-texts.ts';

export interface InferenceRow {
  readonly tenant: string;
  readonly status: 'queued' | 'completed' | 'failed' | 'cancelled';
  readonly model: string;
  readonly createdAt: number;
  readonly endedAt: number | null;
  /** Of what was asked and answered, in the clear; indexed once, at the end. */
  readonly text: string;
}

export const inferencesReadModel: StreamRowProjection<InferenceRow> = {
  kind: 'stream-row',
  name: 'inferences',
  topics: [inferences.topic],
  index: {
    name: 'inferences',
    fields: {
      tenant: 'code',
      status: 'code',
      model: 'code',
      createdAt: 'number',
      endedAt: 'number',
      words: 'text',
    },
    sortBy: 'createdAt',
    partitionBy: 'tenant',
  },
  createOpener: createTextOpener,
  idOf: (stream) => (categoryOf(stream) === 'inference' ? subjectOf(stream) : undefined),
  project(before, event) {
    if (!inferences.owns(event)) return 'ignore';
    if (event.type === 'InferenceRequested') {
      if (before) return 'ignore';
      const { tenantId: tenant } = event.metadata;
      const text = textOf(event.data.input);
      return { tenant, status: 'queued', model: event.data.model, createdAt: event.recordedAt, endedAt: null, text };
    }
    if (before?.status !== 'queued') return 'ignore';
    const ended = { ...before, endedAt: event.recordedAt };
    switch (event.type) {
      case 'InferenceCompleted':
        return { ...ended, status: 'completed', text: `${before.text}\n${textOf(event.data.output)}` };
      case 'InferenceFailed':
        return { ...ended, status: 'failed' };
      case 'InferenceCancelled':
        return { ...ended, status: 'cancelled' };
    }
  },
  fields: ({ tenant, status, model, createdAt, endedAt, text }) => ({
    tenant,
    status,
    model,
    createdAt,
    endedAt,
    words: endedAt === null ? null : foldToField(text),
  }),
  ended: ({ endedAt }) => endedAt !== null,
};
