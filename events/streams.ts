// A stream is named `<category>-<subject>`: the kind of thing that it is the history of, and which one. A numbered part of
// such a thing has a stream of its own: `<category>-<subject>-<part>-<number>`.

/** What stands before the first dash. */
export const categoryOf = (stream: string) => stream.slice(0, Math.max(0, stream.indexOf('-')));

/** What stands after the first dash. */
export const subjectOf = (stream: string) => stream.slice(stream.indexOf('-') + 1);

/** How the stream of a part says what part it is; of another stream it may be any word of its subject, or undefined. */
export const partOf = (stream: string): string | undefined => /-([a-z]+)-\d+$/.exec(stream)?.[1];
