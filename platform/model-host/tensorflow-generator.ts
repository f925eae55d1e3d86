// Interleaves the sessions of every run on one thread: runs take turns, and within a run its items do, one step each.
// So a single request is not starved by a batch of hundreds, nor a short text by a long one.

import type { RunResult } from './model-runtime.ts';
import type { Generator, GeneratorSession } from './tensorflow-handler.ts';
import { inputNotText, itemFault, itemTimedOut, type ReportFault } from './item-errors.ts';
import type { ThreadPiece, ThreadResult } from './tensorflow-messages.ts';

/** Items of one run with a session open at a time; the others wait, so that memory does not grow with the batch. */
const sessionsPerRun = 8;

export interface GeneratorRun {
  readonly run: number;
  readonly inputs: readonly unknown[];
  readonly parameters: Record<string, unknown>;
  readonly stream: boolean;
  /** Milliseconds since the epoch. */
  readonly deadline: number;
}

export interface GeneratorSchedule {
  add(run: GeneratorRun): void;
  drop(run: number, places: readonly number[]): void;
  /** Works for about `ms`; false when there is nothing left to do. */
  work(ms: number): boolean;
  /** What was written and what ended since the last call, then forgotten here. */
  take(): { readonly pieces: ThreadPiece[]; readonly results: ThreadResult[] };
}

interface OpenSession {
  readonly place: number;
  readonly session: GeneratorSession;
  /** Characters handed out as pieces so far; the last piece is what the whole text has beyond them. */
  sent: string;
  /** Pieces not yet taken. */
  unsent: string;
}

interface OpenRun extends GeneratorRun {
  readonly waiting: Map<number, unknown>;
  readonly sessions: OpenSession[];
  turn: number;
}

export function createGeneratorSchedule(generator: Generator, reportFault: ReportFault): GeneratorSchedule {
  const runs: OpenRun[] = [];
  let turn = 0;
  let pieces: ThreadPiece[] = [];
  let results: ThreadResult[] = [];

  function finish(run: OpenRun, place: number, result: RunResult): void {
    results.push({ run: run.run, place, result });
  }

  function openSessions(run: OpenRun): void {
    for (const [place, input] of run.waiting) {
      if (run.sessions.length >= sessionsPerRun) return;
      run.waiting.delete(place);
      if (typeof input !== 'string') {
        finish(run, place, inputNotText);
        continue;
      }
      try {
        const session = generator.start(input, run.parameters);
        run.sessions.push({ place, session, sent: '', unsent: '' });
        return; // Reading a prompt is work: the next one is opened on this run's next turn.
      } catch (error) {
        finish(run, place, itemFault(error, reportFault));
      }
    }
  }

  function takePiece(run: OpenRun, open: OpenSession): void {
    if (open.unsent === '') return;
    pieces.push({ run: run.run, place: open.place, text: open.unsent });
    open.unsent = '';
  }

  /** One step of one session; true when that was its last. */
  function step(run: OpenRun, open: OpenSession): boolean {
    try {
      const next = open.session.next();
      if (next.finishReason === undefined) {
        if (run.stream) {
          open.sent += next.text;
          open.unsent += next.text;
        }
        return false;
      }
      if (run.stream) {
        if (!next.text.startsWith(open.sent)) throw new Error('the final text does not begin with the pieces');
        open.unsent += next.text.slice(open.sent.length);
        takePiece(run, open);
      }
      finish(run, open.place, {
        ok: true,
        output: { text: next.text, finishReason: next.finishReason },
        usage: { inputTokens: open.session.inputTokens, outputTokens: next.outputTokens },
      });
    } catch (error) {
      finish(run, open.place, itemFault(error, reportFault));
    }
    return true;
  }

  function timeOut(run: OpenRun): void {
    for (const place of [...run.sessions.map((open) => open.place), ...run.waiting.keys()]) {
      finish(run, place, itemTimedOut);
    }
    run.sessions.length = 0;
    run.waiting.clear();
  }

  function advance(run: OpenRun): void {
    openSessions(run);
    if (run.sessions.length === 0) return;
    run.turn %= run.sessions.length;
    const open = run.sessions[run.turn];
    if (open && step(run, open)) run.sessions.splice(run.turn, 1);
    else run.turn += 1;
  }

  return {
    add(run) {
      runs.push({ ...run, waiting: new Map(run.inputs.entries()), sessions: [], turn: 0 });
    },

    drop(number, places) {
      const run = runs.find((open) => open.run === number);
      for (const place of places) {
        run?.waiting.delete(place);
        const at = run?.sessions.findIndex((open) => open.place === place) ?? -1;
        if (at >= 0) run?.sessions.splice(at, 1);
      }
    },

    work(ms) {
      const until = performance.now() + ms;
      const now = Date.now();
      for (const run of runs) if (run.deadline <= now) timeOut(run);
      while (runs.length > 0 && performance.now() < until) {
        turn %= runs.length;
        const run = runs[turn];
        if (!run) break;
        advance(run);
        if (run.sessions.length === 0 && run.waiting.size === 0) runs.splice(turn, 1);
        else turn += 1;
      }
      return runs.length > 0;
    },

    take() {
      for (const run of runs) for (const open of run.sessions) takePiece(run, open);
      const taken = { pieces, results };
      pieces = [];
      results = [];
      return taken;
    },
  };
}
