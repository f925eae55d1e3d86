// Opens the data folder it is given, says so, and holds it until it is killed or its input ends.

import { StartError } from '#platform/errors.ts';
import { openDataFolder } from '#platform/lifecycle/data-folder.ts';

try {
  const folder = openDataFolder(process.argv[2] ?? '');
  process.stdout.write(`open ${process.pid} ${folder.isNew}\n`);
  process.stdin.resume().on('end', () => folder.close());
} catch (error) {
  process.stdout.write(
    error instanceof StartError ? `${error.code}: ${error.message}\n` : `unexpected: ${String(error)}\n`,
  );
}
