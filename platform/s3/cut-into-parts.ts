/** The same bytes in pieces of exactly `size`, but the last, which is shorter or absent. Holds one piece. */
export async function* cutIntoParts(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  size: number,
): AsyncGenerator<Uint8Array, undefined> {
  let held: Uint8Array[] = [];
  let length = 0;
  for await (const piece of source) {
    for (let rest = piece; rest.length > 0;) {
      const taken = rest.subarray(0, size - length);
      rest = rest.subarray(taken.length);
      held.push(taken);
      length += taken.length;
      if (length < size) continue;
      yield held.length === 1 ? held[0]! : Buffer.concat(held);
      [held, length] = [[], 0];
    }
  }
  if (length > 0) yield Buffer.concat(held);
  return undefined;
}
