// The read model of one inference by id: the state that its stream folds into, still sealed. It is dropped a day after
// its end; later readers fold the stream.

export const INFERENCE = 'inference';

export const inferenceKey = (id: string) => `inference:${id}`;

export const KEPT_AFTER_END_MS = 24 * 60 * 60 * 1000;
