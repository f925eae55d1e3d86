// Applies events to a projection's target: each stream is loaded once, folded in memory and written once, the positions
// with it. A stream whose event keeps failing is parked; trouble with a store is no event's fault and is waited out.

import { backOff, pause } from '../patience/back-off.ts';
import { asError, isFinal } from '../errors.ts';
import { persist } from '../patience/persist.ts';
import type { Positions } from '../positions.ts';
import type { DeadLetters } from '../bus/dead-letters.ts';
import { isDocumentRefused } from '../document-refused.ts';
import type { Log } from '../logging/log.ts';
import { foldStream, type FoldFailure, type FoldOutcome, type FoldParts, type StreamBatch } from './fold-stream.ts';
import { isHopelessWrite } from './projection-errors.ts';
import type { Folded } from './projection-target.ts';

export interface StreamProjectorParts extends Omit<FoldParts, 'patiently' | 'letters'> {
  readonly name: string;
  readonly letters: DeadLetters;
  /** How often an event may fail before its stream is parked. */
  readonly attempts: number;
  /** Milliseconds before the second try. */
  readonly firstPause: number;
  readonly signal: AbortSignal;
  readonly log: Log;
  /** Told when a store begins to fail, and when it works again. */
  readonly onTrouble: (troubled: boolean) => void;
  readonly onParked: (stream: string) => void;
}

type Unit = NonNullable<FoldOutcome['unit']>;

/** Awaited later: until then a rejection waits. */
function begun<T>(work: Promise<T>): Promise<T> {
  work.catch(() => undefined);
  return work;
}

const turnOfTheLoop = () => new Promise<void>((resolve) => setImmediate(resolve));

function portionsOf(batches: readonly StreamBatch[], length = batches.length): StreamBatch[][] {
  const portions: StreamBatch[][] = [];
  for (let from = 0; from < batches.length; from += length) portions.push(batches.slice(from, from + length));
  return portions;
}

/** Streams folded at a time, where that means reading them again. */
const AT_ONCE = 32;
const NO_POSITIONS: Positions = new Map();

export function createStreamProjector(parts: StreamProjectorParts) {
  const { name, target, letters, attempts, firstPause, signal, log } = parts;

  async function patiently<T>(work: () => Promise<T>, isHopeless = isFinal): Promise<T> {
    let troubled = false;
    const onFailure = (err: unknown, attempt: number) => {
      log.warn({ err, projection: name, attempt }, 'a store that a projection needs fails, trying again');
      if (!troubled) parts.onTrouble((troubled = true));
    };
    try {
      return await persist(work, signal, onFailure, { isHopeless });
    } finally {
      if (troubled) parts.onTrouble(false);
    }
  }

  const foldParts: FoldParts = { ...parts, patiently };

  async function park({ event, error }: FoldFailure, tries: number): Promise<void> {
    const { stream, revision, id: eventId } = event;
    const said = asError(error).message;
    await patiently(() => letters.park({ stream, revision, eventId, error: said, attempts: tries }));
    log.error({ err: error, projection: name, stream, revision }, 'a stream was parked as a dead letter');
    parts.onParked(stream);
  }

  /** Folds all, and those that fail again after a pause; what fails to the last is parked. */
  async function foldAll(bases: readonly Folded[], batches: readonly StreamBatch[]): Promise<Unit[]> {
    const outcomes: FoldOutcome[] = [];
    let open = batches.map((_, at) => at);
    for (let round = 1; open.length > 0 && round <= attempts; round++) {
      if (round > 1) await pause(backOff(round - 1, firstPause), signal);
      for (let from = 0; from < open.length; from += AT_ONCE) {
        const waits: Promise<void>[] = [];
        for (const at of open.slice(from, from + AT_ONCE)) {
          const [base, batch] = [bases[at], batches[at]];
          if (!base || !batch) continue;
          const folding = foldStream(foldParts, base, batch);
          if (folding instanceof Promise) waits.push(begun(folding.then((outcome) => void (outcomes[at] = outcome))));
          else outcomes[at] = folding;
        }
        if (waits.length > 0) await Promise.all(waits);
      }
      open = open.filter((at) => outcomes[at]?.failure);
    }
    for (const { failure } of outcomes) if (failure) await park(failure, attempts);
    return outcomes.flatMap(({ unit }) => (unit ? [unit] : []));
  }

  async function writeAll(units: readonly Unit[], positions: Positions): Promise<void> {
    const rendered = units.map((unit) => unit.rendered);
    try {
      await patiently(() => target.write(rendered, positions), isHopelessWrite);
    } catch (err) {
      if (!isDocumentRefused(err) || units.length === 0) throw err;
      log.warn({ err, projection: name }, 'the store refuses a document of a batch, which is written stream by stream');
      await writeEach(units);
      await patiently(() => target.write([], positions));
    }
  }

  async function tryToWrite({ rendered, events }: Unit): Promise<FoldFailure | undefined> {
    try {
      await patiently(() => target.write([rendered], NO_POSITIONS), isHopelessWrite);
      return undefined;
    } catch (error) {
      const event = events.at(-1);
      if (!isDocumentRefused(error) || !event) throw error;
      return { event, error };
    }
  }

  /** Finds the event that makes the store refuse; what came before it is written. */
  async function writeEventByEvent({ rendered: { stream }, events }: Unit): Promise<FoldFailure | undefined> {
    for (const event of events) {
      const batch = { stream, first: event.revision, events: [event] };
      const [base] = await patiently(() => target.load([batch]));
      const { unit, failure } = base ? await foldStream(foldParts, base, batch) : {};
      const refused = unit ? await tryToWrite(unit) : failure;
      if (refused) return refused;
    }
    return undefined;
  }

  /** Parks each stream whose document the store refuses, however many; none when the store turns out to be at fault. */
  async function writeEach(units: readonly Unit[]): Promise<void> {
    const refused: FoldFailure[] = [];
    for (const unit of units) {
      const whole = await tryToWrite(unit);
      const failure = whole && unit.events.length > 1 ? await writeEventByEvent(unit) : whole;
      if (failure) refused.push(failure);
    }
    for (const failure of refused) await park(failure, 1);
  }

  return {
    patiently,
    /** Resolves when all is written, or parked, and the positions with it. */
    async apply(batches: readonly StreamBatch[], positions: Positions): Promise<void> {
      const portions = portionsOf(batches, target.portion);
      const loads = portions.map((portion) => begun(patiently(() => target.load(portion))));
      const fold = async (at: number) => foldAll((await loads[at]) ?? [], portions[at] ?? []);
      if (portions.length <= 1) return writeAll(await fold(0), positions);
      const writes: Promise<void>[] = [];
      try {
        for (const at of portions.keys()) {
          writes.push(begun(writeAll(await fold(at), NO_POSITIONS)));
          // So that it is on its way while the next is folded.
          await turnOfTheLoop();
        }
        await Promise.all(writes);
      } finally {
        // What has been begun ends before whatever comes next, however this ends.
        await Promise.allSettled([...loads, ...writes]);
      }
      await writeAll([], positions);
    },
    /** Applies a parked stream from where it failed, as the log has it now. */
    async takeUp(stream: string, discard: boolean): Promise<'done' | 'parked again' | 'not parked'> {
      const letter = letters.find(stream);
      if (!letter) return 'not parked';
      if (discard) await patiently(() => letters.discard(stream));
      const batch = { stream, first: letter.revision, events: [] };
      const bases = await patiently(() => target.load([batch]));
      const units = await foldAll(bases, [batch]);
      await writeAll(units, NO_POSITIONS);
      if (letters.find(stream) !== letter) return 'parked again';
      await patiently(() => letters.release(stream));
      return 'done';
    },
  };
}
