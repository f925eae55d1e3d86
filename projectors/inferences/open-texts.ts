// Opens the sealed contents of an inference's events and keeps the words of what people and models wrote in them.

import type { Content } from '#events/content.ts';
import type { RecordedEvent } from '#events/envelope.ts';
import { inferences } from '#events/inference.ts';
import { type Contents, ERASED, type Opened } from '#platform/content/content.ts';
import { foldToField } from '#platform/search-index/fold.ts';
import { writtenInInput, writtenInOutput } from './written-texts.ts';

/** What is put in the place of sealed contents: the different words in it, folded. */
interface OpenedContent {
  readonly words: string;
}

export const wordsOf = (content: unknown) => (content as Partial<OpenedContent>).words ?? '';

export function createTextOpener(contents: Pick<Contents, 'open'>) {
  /** The event with the words of one of its contents in that content's place. */
  function withWords(
    event: RecordedEvent,
    field: string,
    content: Content,
    writtenIn: (opened: unknown) => string,
  ): RecordedEvent | Promise<RecordedEvent> {
    const put = (value: Opened): RecordedEvent => {
      const opened: OpenedContent = { words: value === ERASED ? '' : foldToField(writtenIn(value)) };
      return { ...event, data: { ...(event.data as object), [field]: opened } };
    };
    const opened = contents.open(event.metadata.tenantId, content);
    return opened instanceof Promise ? opened.then(put) : put(opened);
  }

  return (event: RecordedEvent): RecordedEvent | Promise<RecordedEvent> => {
    if (!inferences.owns(event)) return event;
    switch (event.type) {
      case 'InferenceRequested':
        return withWords(event, 'input', event.data.input, writtenInInput);
      case 'InferenceCompleted':
        return withWords(event, 'output', event.data.output, writtenInOutput);
      default:
        return event;
    }
  };
}
