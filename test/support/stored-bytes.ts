import { execFileSync } from 'node:child_process';

/**
 * All bytes of all files of a folder. Read by another process: opening SQLite's files in this one and closing them
 * again would drop the locks that it holds.
 */
export function storedBytes(folder: string): Buffer {
  const script = `for (const name of fs.readdirSync(process.argv[1], { recursive: true })) {
    const path = require('node:path').join(process.argv[1], name);
    if (fs.statSync(path).isFile()) fs.writeSync(1, fs.readFileSync(path));
  }`;
  return execFileSync(process.execPath, ['-e', script, folder], { maxBuffer: 268_435_456 });
}
