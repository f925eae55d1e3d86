import { codeOf, StartError } from '#platform/errors.ts';

/** Faults of an operator's making: their message is the whole story. */
const EXPECTED = new Set(['port-unavailable', 'master-key-mismatch', 'data-is-newer']);

/** Runs a start; what its operator can mend is told in a sentence instead of a stack. */
export async function expectedStartFaults(start: () => Promise<void>): Promise<void> {
  try {
    await start();
  } catch (error) {
    const code = codeOf(error);
    if (error instanceof Error && code !== undefined && EXPECTED.has(code)) throw new StartError(error.message, code);
    throw error;
  }
}
