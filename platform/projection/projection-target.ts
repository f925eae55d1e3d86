// What the projector loop needs of a place that it writes to; one adapter per kind of projection.

import type { RecordedEvent } from '#events/envelope.ts';
import type { Positions } from '../positions.ts';

/** A stream of which events came. */
export interface StreamWork {
  readonly stream: string;
  /** Revision of the first event that came. */
  readonly first: number;
}

/** What a projection has made of a stream up to a revision (-1: nothing yet). Never changed in place. */
export interface Folded {
  readonly stream: string;
  readonly revision: number;
}

/** What is to be written for one stream. */
export interface Rendered {
  readonly stream: string;
}

/** Of rows: a large bulk of the search index. */
export const ROW_PORTION = 500;

export interface ProjectionTarget<F extends Folded = Folded, R extends Rendered = Rendered> {
  /**
   * Streams that are loaded, folded and written together: a store beside this process works on one portion while the next
   * is folded. All of a batch where it is left out.
   */
  readonly portion?: number;
  /** Whether the projection makes anything of the stream. */
  concerns(stream: string): boolean;
  /** What has been made of each stream so far, as far as is known here; what is not known is folded again. */
  load(streams: readonly StreamWork[]): Promise<readonly F[]>;
  /** Folds the stream's next event. Throws what the projection throws. */
  step(folded: F, event: RecordedEvent): F;
  /** Passes over an event that was given up. */
  skip(folded: F, event: RecordedEvent): F;
  /** Throws what the projection throws. */
  render(folded: F): R;
  /** Writes all, and the positions with it. Nothing is written if it rejects. */
  write(rendered: readonly R[], positions: Positions): Promise<void>;
  /** The positions last written. */
  positions(): Promise<Positions>;
}
