// A blob's object key: `<namespace>/<tenant>.blobs/<first two digits>/<hash>`. Folders of bounded size for stores over a file
// system, and the same order whether a store sorts whole keys or folder by folder: a dot comes, as a slash does, after the
// only lesser character of a tenant, the dash, and before all others.

import { checkBlobName, isBlobName } from './blob-store.ts';

const FOLDER = '.blobs/';

/** Throws `InvalidBlobName`. `prefix`: the namespace with its slash. */
export function blobKey(prefix: string, name: string): string {
  checkBlobName(name);
  return blobKeyStart(prefix, name);
}

/** What the keys of all names that begin with `start` begin with; other keys may too. */
export function blobKeyStart(prefix: string, start: string): string {
  const slash = start.indexOf('/');
  if (slash === -1) return `${prefix}${start}`;
  const [tenant, hash] = [start.slice(0, slash), start.slice(slash + 1)];
  return `${prefix}${tenant}${FOLDER}${hash.length < 2 ? hash : `${hash.slice(0, 2)}/${hash}`}`;
}

/** Undefined for what is no blob's key. */
export function blobName(prefix: string, key: string): string | undefined {
  const [tenant = '', rest = ''] = key.slice(prefix.length).split(FOLDER);
  const name = `${tenant}/${rest.slice(3)}`;
  return isBlobName(name) && blobKeyStart(prefix, name) === key ? name : undefined;
}
