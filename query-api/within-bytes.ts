/** The first few that are no more JSON together than an answer may be, and at least one. */
export function withinBytes<View>(views: readonly View[], most: number): View[] {
  let bytes = 0;
  const end = views.findIndex((view, at) => (bytes += Buffer.byteLength(JSON.stringify(view))) > most && at > 0);
  return views.slice(0, end < 0 ? undefined : end);
}
