/** As many are worked on at once as a log on a server answers well. */
const AT_ONCE = 32;

/** What the work makes of each, in their order; what is there at once is not waited for. */
export async function inTurn<T, Made>(all: readonly T[], work: (one: T) => Made | Promise<Made>): Promise<Made[]> {
  const made: Made[] = [];
  let next = 0;
  async function worker(): Promise<void> {
    for (let at = next++; at < all.length; at = next++) {
      const one = work(all[at] as T);
      made[at] = one instanceof Promise ? await one : one;
    }
  }
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, all.length) }, worker));
  return made;
}
