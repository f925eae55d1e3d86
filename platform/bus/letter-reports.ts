// Tells the log of each dead letter, once. A letter is a row first, which its group goes by; the event follows, also after
// the process died between the two: whoever works for the group tells of the rows that it finds. The log itself says which
// have been told, so it does not matter how many tell.

import type { NewEvent, RecordedEvent } from '#events/envelope.ts';
import { type EventStore, WrongExpectedRevision } from '../event-store/event-store.ts';
import { readWholeStream } from '../event-store/read-whole-stream.ts';
import { isFinal } from '../errors.ts';
import type { Log } from '../logging/log.ts';
import { Interrupted, persist } from '../patience/persist.ts';
import { type DeadLetter, deadLetterId, nameOfGroup, versionOfGroup } from './dead-letter-rows.ts';
import type { LetterRequest } from './letter-requests.ts';

/** What the events say, in which letters are told of. */
export interface LetterLanguage {
  /** The stream of letters of a projection, or of a group of workers. */
  streamOf(name: string): string;
  /** A new event that tells of a letter; `version` of the projection, null of a group of workers. */
  eventOf(letter: DeadLetter & { readonly version: number | null }): NewEvent;
  /** What an event tells of; undefined for one that tells of no letter. */
  parkedOf(event: RecordedEvent): Pick<ToldLetter, 'version' | 'stream' | 'revision'> | undefined;
  /** What an event asks to be done with a letter; undefined for one that asks nothing. */
  requestOf(event: RecordedEvent): LetterRequest | undefined;
}

interface ToldLetter {
  readonly version: number | null;
  readonly stream: string;
  readonly revision: number;
  /** The telling event's revision. */
  readonly at: number;
}

export interface LetterReports {
  /** Sees to it that the log has been told of the letter. Waits for nothing, and never fails. */
  tell(letter: DeadLetter): void;
  /** What is not told by then is told after the next start. */
  stop(): Promise<void>;
}

export interface LetterReportParts {
  readonly store: Pick<EventStore, 'append' | 'readStream'>;
  readonly language: LetterLanguage;
  readonly log: Log;
}

/** What a stream says of letters, up to where it has been read. */
interface ReadSoFar {
  next: number;
  /** The last of each version and stream. */
  readonly told: Map<string, ToldLetter>;
  /** The last of each stream. */
  readonly asked: Map<string, LetterRequest>;
}

const APPENDED_AT_ONCE = 100;
const MOST_REMEMBERED = 20_000;

export function startLetterReports({ store, language, log }: LetterReportParts): LetterReports {
  const stopping = new AbortController();
  const readSoFar = new Map<string, ReadSoFar>();
  const taken = new Set<string>();
  let waiting: DeadLetter[] = [];
  let running: Promise<void> | undefined;

  const nameOf = (letter: DeadLetter) => `${deadLetterId(letter)} ${letter.request}`;
  const versionOf = ({ group }: DeadLetter) => versionOfGroup(group) ?? null;
  const keyOf = (version: number | null, stream: string) => `${version ?? ''} ${stream}`;

  async function readOn(stream: string): Promise<ReadSoFar> {
    const so = readSoFar.get(stream) ?? { next: 0, told: new Map(), asked: new Map() };
    readSoFar.set(stream, so);
    for (const event of await readWholeStream(store, stream, so.next)) {
      const parked = language.parkedOf(event);
      if (parked) so.told.set(keyOf(parked.version, parked.stream), { ...parked, at: event.revision });
      const asked = language.requestOf(event);
      if (asked) so.asked.set(asked.stream, asked);
      so.next = event.revision + 1;
    }
    return so;
  }

  /** Not of one that is being taken up: it goes, or is parked again for that request. */
  function isToBeTold({ told, asked }: ReadSoFar, letter: DeadLetter): boolean {
    const { stream, revision, request } = letter;
    const last = told.get(keyOf(versionOf(letter), stream));
    if (last?.revision === revision && last.at > request) return false;
    const pending = asked.get(stream);
    return !(pending?.revision === revision && pending.request > request);
  }

  async function tellSome(stream: string, letters: readonly DeadLetter[]): Promise<void> {
    const so = await readOn(stream);
    const events = letters
      .filter((letter) => isToBeTold(so, letter))
      .map((letter) => language.eventOf({ ...letter, version: versionOf(letter) }));
    if (events.length > 0) await store.append(stream, events, so.next === 0 ? 'no_stream' : so.next - 1);
  }

  async function tellAll(letters: readonly DeadLetter[]): Promise<void> {
    for (const [stream, all] of Map.groupBy(letters, ({ group }) => language.streamOf(nameOfGroup(group)))) {
      for (let from = 0; from < all.length; from += APPENDED_AT_ONCE) {
        const some = all.slice(from, from + APPENDED_AT_ONCE);
        await persist(
          () => tellSome(stream, some),
          stopping.signal,
          (err) => log.warn({ err, stream }, 'the log cannot be told of dead letters, trying again'),
          // Another event came between.
          { isHopeless: (err) => isFinal(err) && !(err instanceof WrongExpectedRevision) },
        );
      }
    }
  }

  async function run(): Promise<void> {
    while (waiting.length > 0) {
      const letters = waiting;
      waiting = [];
      await tellAll(letters).catch((err: unknown) => {
        // They are found again, as rows, by the next start.
        if (!(err instanceof Interrupted)) log.error({ err }, 'the log could not be told of dead letters');
      });
    }
    running = undefined;
  }

  return {
    tell(letter) {
      const name = nameOf(letter);
      if (stopping.signal.aborted || taken.has(name)) return;
      if (taken.size >= MOST_REMEMBERED) taken.clear();
      taken.add(name);
      waiting.push(letter);
      running ??= Promise.resolve().then(run);
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
