/** Repeats `check` until it throws no more; rejects with its last error once `withinMs` have passed. */
export async function eventually(check: () => unknown, withinMs = 5_000): Promise<void> {
  const until = performance.now() + withinMs;
  for (;;) {
    try {
      await check();
      return;
    } catch (error) {
      if (performance.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}
