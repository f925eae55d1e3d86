// Read models say of a log that was restored what it does not say itself: their revisions are ahead of it, so their guards
// would ignore what it says from now on. Each engine of read models is therefore marked with the generation of the log
// that they were made from. It is looked at when the engine is opened: a log is restored while nothing runs.

import { StartError } from './errors.ts';
import type { Log } from './logging/log.ts';

/** What every engine of read models can do besides its port. */
export interface GenerationMark {
  /** Marks an engine that has no mark, and answers the generation that it is marked with: of several at once one wins. */
  claim(generation: string): Promise<string>;
  /**
   * Removes all that an engine of another generation holds and then marks it with this one, or does nothing where that
   * has been done. Broken off anywhere, it is to be done again. Nobody may use the engine meanwhile.
   */
  startOver(generation: string): Promise<void>;
}

export interface LogInUse {
  readonly generation: string;
  /** What to do with read models of another log. */
  readonly onOther: 'refuse' | 'empty';
}

/** `engine` as in: the read store (Redis). */
export const otherGeneration = (engine: string, held: string, generation: string): StartError =>
  new StartError(
    `The ${engine} holds read models of generation ${held} of the log, and the log is of generation ${generation}: it was restored, or is another one. Stop all services and run \`node main.ts migrate\`, which empties it; the read models are then built anew from the log.`,
    'other-generation',
  );

/** Answers the engine once it holds this log's read models or none; else rejects with a `StartError` and closes it. */
export async function ofThisLog<Engine extends GenerationMark & { close(): Promise<void> }>(
  engine: Engine,
  name: string,
  { generation, onOther }: LogInUse,
  log: Log,
): Promise<Engine> {
  try {
    const held = await engine.claim(generation);
    if (held === generation) return engine;
    if (onOther === 'refuse') throw otherGeneration(name, held, generation);
    log.warn(
      { held, generation },
      `the log was restored: what the ${name} holds of what it was is removed, and built anew from what it is`,
    );
    await engine.startOver(generation);
    return engine;
  } catch (error) {
    await engine.close();
    throw error;
  }
}
