/** Repeats `check` until it neither throws nor answers false; rejects with its last error once `withinMs` have passed. */
export async function eventually(check: () => unknown, withinMs = 5_000): Promise<void> {
  const until = performance.now() + withinMs;
  for (;;) {
    try {
      if ((await check()) === false) throw new Error(`it did not become true: ${check.toString()}`);
      return;
    } catch (error) {
      if (performance.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}
