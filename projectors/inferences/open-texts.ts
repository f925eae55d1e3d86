// Opens the sealed contents of an inference's events and keeps the words in them: what people wrote and models answered,
// not the member names around it.

import type { Content } from '#events/content.ts';
import type { RecordedEvent } from '#events/envelope.ts';
import { inferences } from '#events/inference.ts';
import { type Contents, ERASED, type Opened } from '#platform/content/content.ts';

/** The contents that are put in the place of sealed ones. */
interface OpenedContent {
  readonly text: string;
}

export const textOf = (content: unknown) => (content as Partial<OpenedContent>).text ?? '';

/** Full text beyond this many characters of one content is not indexed. */
const MOST_CHARACTERS = 20_000;

/** All strings of a JSON value, in order. */
export function textsOf(value: unknown): string {
  const texts: string[] = [];
  let length = 0;
  const visit = (part: unknown) => {
    if (length > MOST_CHARACTERS) return;
    if (typeof part === 'string') {
      texts.push(part);
      length += part.length;
    } else if (typeof part === 'object' && part !== null) Object.values(part).forEach(visit);
  };
  visit(value);
  return texts.join('\n').slice(0, MOST_CHARACTERS);
}

export function createTextOpener(contents: Pick<Contents, 'open'>) {
  /** The event with the words of one of its contents in that content's place. */
  function withText(event: RecordedEvent, field: string, content: Content): RecordedEvent | Promise<RecordedEvent> {
    const put = (value: Opened): RecordedEvent => {
      const text: OpenedContent = { text: value === ERASED ? '' : textsOf(value) };
      return { ...event, data: { ...(event.data as object), [field]: text } };
    };
    const opened = contents.open(event.metadata.tenantId, content);
    return opened instanceof Promise ? opened.then(put) : put(opened);
  }

  return (event: RecordedEvent): RecordedEvent | Promise<RecordedEvent> => {
    if (!inferences.owns(event)) return event;
    switch (event.type) {
      case 'InferenceRequested':
        return withText(event, 'input', event.data.input);
      case 'InferenceCompleted':
        return withText(event, 'output', event.data.output);
      default:
        return event;
    }
  };
}
