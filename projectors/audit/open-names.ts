// Opens what is personal in an event, names and addresses, so that it is found by its words. Secrets, and what inferences say,
// stay sealed.

import type { RecordedEvent } from '#events/envelope.ts';
import type { Content } from '#events/content.ts';
import type { Contents, Opened } from '#platform/content/content.ts';
import { isTransient } from '#platform/errors.ts';
import { searchedFields } from './words-of.ts';

/** In the place of what was sealed. */
interface OpenedText {
  readonly text: string;
}

export function createNameOpener(contents: Pick<Contents, 'open'>) {
  const textOf = async (content: Content): Promise<OpenedText> => {
    const subject = content.keyId.slice(0, content.keyId.lastIndexOf('/'));
    try {
      return { text: plainText(await contents.open(subject, content)) };
    } catch (error) {
      if (isTransient(error)) throw error;
      // What was altered or lost has no words; that the event happened is on the list all the same.
      return { text: '' };
    }
  };

  return (event: RecordedEvent): RecordedEvent | Promise<RecordedEvent> => {
    const sealed = searchedFields(event).filter(({ protection }) => protection === 'personal');
    if (sealed.length === 0) return event;
    const data = event.data as Readonly<Record<string, Content>>;
    return Promise.all(sealed.map(async ({ name }) => [name, await textOf(data[name] as Content)] as const)).then(
      (texts) => ({ ...event, data: { ...data, ...Object.fromEntries(texts) } }),
    );
  };
}

const plainText = (value: Opened): string => (typeof value === 'string' ? value : '');
