// The results of items that end without an answer for reasons every runtime shares.

import type { RunResult } from './model-runtime.ts';

/** Tells the log where a handler threw. The message stays inside the thread: it may quote the input. */
export type ReportFault = (error: string, at: readonly string[]) => void;

export const inputNotText: RunResult = {
  ok: false,
  error: { code: 'input-invalid', message: 'The input must be a string.', retriable: false },
};

export const inputNotChat: RunResult = {
  ok: false,
  error: {
    code: 'input-invalid',
    message: 'The input must be a string, or an object with messages or a prompt.',
    retriable: false,
  },
};

export const itemCancelled: RunResult = {
  ok: false,
  error: { code: 'cancelled', message: 'The request was cancelled.', retriable: false },
};

export const itemTimedOut: RunResult = {
  ok: false,
  error: { code: 'timeout', message: 'The model did not finish before the deadline.', retriable: true },
};

/** The answer for an item whose encoding, decoding or generation threw. */
export function itemFault(error: unknown, report: ReportFault): RunResult {
  const fault = error instanceof Error ? error : new Error('not an Error');
  const at = (fault.stack ?? '').split('\n').filter((line) => line.trimStart().startsWith('at '));
  report(fault.name, at.slice(0, 5));
  return {
    ok: false,
    error: { code: 'model-failed', message: 'The model could not process this input.', retriable: false },
  };
}
