import { readFile } from 'node:fs/promises';
import { createRandom } from '../../training/random.ts';
import { writeStory } from './write-story.ts';

export interface Corpus {
  readonly training: string;
  /** Stories by the same script from another seed, without any sentence of the training text. */
  readonly unseenStories: string;
  /** Prose written by hand in a file of its own, never trained on. */
  readonly prose: string;
}

/** Characters of script-written stories in the training text. */
const STORY_CHARACTERS = 1_200_000;
/** The hand-written stories are few, so each stands in the training text several times. */
const REPEATS = 8;

/** The text the model learns from, made anew on every run and the same every time. */
export async function readCorpus(): Promise<Corpus> {
  const random = createRandom(1);
  const handWritten = (await readFile(new URL('stories.txt', import.meta.url), 'utf8')).split('\n\n');
  const stories: string[] = [];
  for (let length = 0; length < STORY_CHARACTERS;) {
    const story = writeStory(random);
    stories.push(story);
    length += story.length;
  }
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    for (const story of handWritten) stories.splice(random.below(stories.length), 0, `${story.trim()}\n\n`);
  }
  const training = stories.join('');
  const seen = new Set(splitSentences(training));
  const other = createRandom(2);
  let unseenStories = '';
  while (unseenStories.length < 20_000) {
    const fresh = splitSentences(writeStory(other)).filter((sentence) => !seen.has(sentence));
    if (fresh.length > 0) unseenStories += `${fresh.join(' ')}\n\n`;
  }
  const prose = await readFile(new URL('held-out.txt', import.meta.url), 'utf8');
  return { training, unseenStories, prose };
}

function splitSentences(text: string): string[] {
  return text.split(/(?<=[.!?]"?)\s+/).filter((sentence) => sentence !== '');
}
