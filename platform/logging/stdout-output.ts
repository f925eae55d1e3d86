// Standard output as a place for lines. In Node a write to a pipe does not wait for its reader, so a reader that stalls
// cannot stop the program. Once the reader is gone (EPIPE) nothing more is written.

import { writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { codeOf } from '../errors.ts';
import type { LineOutput } from './line-queue.ts';

export interface Stdout extends LineOutput {
  /** A person reads it. */
  readonly isTerminal: boolean;
}

/** How long the last breath waits for a slow reader. */
const lastBreathMs = 200;

export function openStdout(): Stdout {
  let gone = false;
  const { stdout } = process;
  const leave = (): void => {
    gone = true;
  };
  // Without a listener the error of a closed pipe would end the process; whoever else writes to it is spared as well.
  stdout.on('error', leave);
  return {
    isTerminal: isatty(1),
    write(chunk, done) {
      if (gone) return void setImmediate(done);
      stdout.write(chunk, (error) => {
        if (error) leave();
        done();
      });
    },
    writeSync(chunk) {
      if (!gone) writeAll(Buffer.from(chunk));
    },
  };
}

function writeAll(bytes: Buffer): void {
  const until = Date.now() + lastBreathMs;
  let written = 0;
  while (written < bytes.length) {
    try {
      written += writeSync(1, bytes, written);
    } catch (error) {
      if (codeOf(error) !== 'EAGAIN' || Date.now() > until) return;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}
