// Which faults befall an installation, and when: drawn from a seed alone, so that the same seed gives the same schedule.
// Rounds of one to three faults at a time; each kind of fault comes by once before any comes by again, those that a short
// run must have seen first.

import { createRandom, type Random } from '../../models/training/random.ts';
import { everyReadModel } from '../../projectors/read-models.ts';
import { EVERYONE, type Fault, placeOf, SERVERS, type Target } from './fault.ts';

export interface Round {
  readonly faults: readonly { readonly afterMs: number; readonly fault: Fault }[];
  /** How long the installation is left alone once it works again. */
  readonly restMs: number;
}

export interface ScheduleOptions {
  readonly seed: number;
  /** Services by name, with how many copies of each run. */
  readonly services: Readonly<Record<string, number>>;
}

/** Longer than any session: of Kafka's groups and of claims on work. */
const LONG_FREEZE_MS = 14_000;
const MOST_AT_ONCE = 3;

/** Never ends. */
export function* createSchedule({ seed, services }: ScheduleOptions): Generator<Round, never> {
  const random = createRandom(seed);
  const cards = createCards(services, random);
  let deck = shuffle(cards.first, random);
  for (;;) {
    const size = 1 + random.below(MOST_AT_ONCE);
    const faults: { afterMs: number; fault: Fault }[] = [];
    const places = new Set<string>();
    while (faults.length < size) {
      const card = deck.shift();
      if (!card) {
        deck = shuffle([...cards.first, ...cards.later], random);
        continue;
      }
      const fault = card();
      if (places.has(placeOf(fault))) {
        deck.push(card);
        break;
      }
      places.add(placeOf(fault));
      faults.push({ afterMs: faults.length === 0 ? 0 : random.below(2_000), fault });
    }
    yield { faults, restMs: random.below(2_000) };
  }
}

type Card = () => Fault;

function createCards(services: Readonly<Record<string, number>>, random: Random) {
  const names = Object.keys(services);
  const copyOf = (service: string): Target => `${service}/${1 + random.below(services[service] ?? 1)}`;
  const between = (least: number, most: number) => least + random.below(most - least);
  const someone = () => (random.next() < 0.4 ? EVERYONE : copyOf(random.pick(names)));

  const kill = (service: string): Card => {
    return () => ({
      kind: 'kill service',
      target: copyOf(service),
      downMs: random.below(2_000),
      ...(random.next() < 0.3 && { againMs: random.below(2_500) }),
    });
  };
  const freeze = (service: string, forMs: () => number): Card => {
    return () => ({ kind: 'freeze service', target: copyOf(service), forMs: forMs() });
  };
  const links = SERVERS.flatMap((server): Card[] => [
    () => ({ kind: 'cut', target: someone(), server }),
    () => ({ kind: 'part', target: someone(), server, forMs: between(500, 6_000) }),
    () => ({ kind: 'stall', target: someone(), server, forMs: between(500, 8_000), thenCut: random.next() < 0.5 }),
    () => ({ kind: 'slow', target: someone(), server, delayMs: between(5, 120), forMs: between(2_000, 6_000) }),
  ]);
  const wrongs = (['drop-response', 'stall-response', 'delay-response', 'refuse', 'cut-connections'] as const).map(
    (kind): Card =>
      () => ({
        kind: 'event store',
        wrong: { on: 'append', kind, probability: 0.3, seed: random.below(1_000), ms: between(50, 1_500) },
        forMs: between(1_000, 4_000),
      }),
  );
  const reading = (['repeat', 'cut-connections', 'delay'] as const).map((kind): Card => () => ({
    kind: 'event store',
    wrong: { on: 'deliver', kind, probability: 0.2, seed: random.below(1_000), ms: between(50, 1_000) },
    forMs: between(1_000, 4_000),
  }));
  return {
    first: [
      ...names.map(kill),
      ...SERVERS.map((server): Card => () => ({ kind: 'kill server', server, downMs: random.below(4_000) })),
      ...names.filter((name) => name.startsWith('workers:')).map((name) => freeze(name, () => LONG_FREEZE_MS)),
      () => ({ kind: 'rebuild', projection: random.pick(everyReadModel).name }),
      () => ({ kind: 'refuse document', forMs: between(3_000, 6_000) }),
      ...wrongs.slice(0, 2),
      () => ({ kind: 'cut subscriptions', how: random.next() < 0.5 ? 'error' : 'end' }) satisfies Fault,
      () => ({ kind: 'cut', target: EVERYONE, server: random.pick(SERVERS) }) satisfies Fault,
      () =>
        ({
          kind: 'stall',
          target: EVERYONE,
          server: random.pick(SERVERS),
          forMs: between(500, 6_000),
          thenCut: true,
        }) satisfies Fault,
    ] satisfies Card[],
    later: [
      ...names.map((name): Card => () => ({ kind: 'stop service', target: copyOf(name), downMs: random.below(1_000) })),
      ...names.map((name) => freeze(name, () => between(500, 6_000))),
      ...names.map((name) => freeze(name, () => LONG_FREEZE_MS + random.below(8_000))),
      ...names.map(kill),
      ...links,
      ...wrongs.slice(2),
      ...reading,
    ],
  };
}

function shuffle<T>(items: readonly T[], random: Random): T[] {
  const left = [...items];
  return items.map(() => left.splice(random.below(left.length), 1)[0]!);
}
