import { execFileSync } from 'node:child_process';

/**
 * All bytes of all files of a folder, but of those that lie in the folders named. Read by another process: opening SQLite's files in this one and closing them
 * again would drop the locks that it holds.
 */
export function storedBytes(folder: string, except: readonly string[] = []): Buffer {
  const script = `const [folder, ...except] = process.argv.slice(1);
  for (const name of fs.readdirSync(folder, { recursive: true })) {
    if (except.some((one) => name.startsWith(one + '/'))) continue;
    const path = require('node:path').join(folder, name);
    if (fs.statSync(path).isFile()) fs.writeSync(1, fs.readFileSync(path));
  }`;
  return execFileSync(process.execPath, ['-e', script, folder, ...except], { maxBuffer: 268_435_456 });
}
