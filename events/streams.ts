// A stream is named `<category>-<subject>`: the kind of thing that it is the history of, and which one.

/** What stands before the first dash. */
export const categoryOf = (stream: string) => stream.slice(0, Math.max(0, stream.indexOf('-')));

/** What stands after the first dash. */
export const subjectOf = (stream: string) => stream.slice(stream.indexOf('-') + 1);
