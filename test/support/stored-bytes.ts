import { execFileSync } from 'node:child_process';

/**
 * All bytes of all files of a folder, but of those that lie in the folders named, or whose names begin as those of the files
 * named. Read by another process: opening SQLite's files in this one and closing them again would drop the locks that it holds.
 */
export function storedBytes(folder: string, except: readonly string[] = []): Buffer {
  const script = `const [folder, ...except] = process.argv.slice(1);
  for (const name of fs.readdirSync(folder, { recursive: true })) {
    if (except.some((one) => name.startsWith(one))) continue;
    const path = require('node:path').join(folder, name);
    if (fs.statSync(path).isFile()) fs.writeSync(1, fs.readFileSync(path));
  }`;
  return execFileSync(process.execPath, ['-e', script, folder, ...except], { maxBuffer: 268_435_456 });
}

/** All values in the tables of a SQLite file whose names a pattern fits; read by another process too. */
export function storedValues(file: string, tables: RegExp): Buffer {
  const script = `const [file, tables] = process.argv.slice(1);
  const database = new (require('node:sqlite').DatabaseSync)(file, { readOnly: true });
  for (const { name } of database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all()) {
    if (!new RegExp(tables).test(name)) continue;
    const statement = database.prepare('SELECT * FROM "' + name + '"');
    statement.setReadBigInts(true);
    for (const row of statement.iterate())
      for (const value of Object.values(row))
        if (value !== null) fs.writeSync(1, ArrayBuffer.isView(value) ? value : value + '\\n');
  }`;
  return execFileSync(process.execPath, ['-e', script, file, tables.source], { maxBuffer: 268_435_456 });
}
