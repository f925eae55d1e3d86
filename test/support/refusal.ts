import { expect } from 'chai';

/** The error that a promise rejects with, which must be of this class. */
export async function refusal<E extends Error>(
  kind: new (...parts: never[]) => E,
  promise: Promise<unknown>,
): Promise<E> {
  const error = await promise.then(
    () => new Error('nothing was refused'),
    (error: unknown) => error,
  );
  expect(error).to.be.instanceOf(kind);
  return error as E;
}
