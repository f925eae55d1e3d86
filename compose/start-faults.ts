import { codeOf, sqliteCodeOf, StartError } from '#platform/errors.ts';

/** Faults of an operator's making whose message is the whole story. */
const EXPECTED = new Set(['port-unavailable', 'data-is-newer']);

/** Faults that need the operator's words. */
const TOLD: Readonly<Record<string, string>> = {
  'master-key-mismatch':
    'The master key (MASTER_KEY, or else the file master-key in DATA_DIR) is not the one that this DATA_DIR was made with: set it back.',
  'vault-missing':
    'The vault (vault.sqlite in DATA_DIR) is missing or empty, though there is data whose keys it held: put it back from its backup.',
};

const DAMAGED =
  'A database in DATA_DIR is damaged: put it back from a backup; read-models.sqlite and search.sqlite may also be removed, they are made again from the log.';

/** SQLITE_CORRUPT and SQLITE_NOTADB. */
const isDamagedFile = (error: unknown) => [11, 26].includes(sqliteCodeOf(error) ?? 0);

/** Runs a start; what its operator can mend is told in a sentence instead of a stack. */
export async function expectedStartFaults(start: () => Promise<void>): Promise<void> {
  try {
    await start();
  } catch (error) {
    const code = codeOf(error);
    if (isDamagedFile(error)) throw new StartError(DAMAGED, 'data-damaged');
    if (!(error instanceof Error) || error instanceof StartError || code === undefined) throw error;
    const sentence = TOLD[code] ?? (EXPECTED.has(code) ? error.message : undefined);
    throw sentence === undefined ? error : new StartError(sentence, code);
  }
}
