// How the log is told of a dead letter, and how it says that it has been (platform/bus/letter-reports.ts).

import { createEvent } from './create-event.ts';
import { PLATFORM } from './model.ts';
import { letterRequestOf, parkedLetterOf, projections } from './projection.ts';

const LONGEST_ERROR = 300;

interface Letter {
  readonly version: number | null;
  readonly stream: string;
  readonly revision: number;
  readonly error: string;
}

/** `service`: who tells. */
export const letterLanguage = (service: string, newId: () => string) => ({
  streamOf: (name: string) => projections.stream(name),
  parkedOf: parkedLetterOf,
  requestOf: letterRequestOf,
  eventOf({ version, stream, revision, error }: Letter) {
    const command = newId();
    return createEvent(
      'DeadLetterParked',
      { version, stream, revision, error: error.slice(0, LONGEST_ERROR) },
      {
        eventId: newId(),
        commandId: command,
        tenantId: PLATFORM,
        actor: { kind: 'system', id: service },
        correlationId: command,
      },
    );
  },
});
