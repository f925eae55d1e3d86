import type { Random } from '../../training/random.ts';
import { endings, openings, people, sentences, slots } from './grammar.ts';
import { scenes, type Scene } from './scenes.ts';

/** One story of five to twelve sentences in one or two paragraphs, ending with a blank line. */
export function writeStory(random: Random): string {
  const scene = random.pick(scenes);
  const hero = random.pick(people);
  let friend = random.pick(people);
  while (friend.name === hero.name) friend = random.pick(people);
  const bound: Readonly<Record<string, string>> = {
    name: hero.name,
    Name: hero.name,
    he: hero.he,
    He: hero.he,
    him: hero.him,
    his: hero.his,
    friend: friend.name,
  };
  const write = (patterns: readonly string[]): string => finish(fill(random.pick(patterns), scene, bound, random));
  const story = [write(openings)];
  const length = 3 + random.below(8);
  for (let count = 0; count < length; count++) {
    if (count > 2 && random.next() < 0.12) story.push('\n');
    story.push(write(sentences));
  }
  if (random.next() < 0.6) story.push(write(endings));
  return `${story.join(' ').replaceAll(' \n ', '\n')}\n\n`;
}

function fill(pattern: string, scene: Scene, bound: Readonly<Record<string, string>>, random: Random): string {
  const used = new Set<string>();
  return pattern.replaceAll(/\{(\w+)\}/g, (_, slot: string) => {
    const fixed = bound[slot];
    if (fixed !== undefined) return fixed;
    const alternatives = sceneSlots(scene)[slot] ?? slots[slot];
    if (!alternatives) throw new Error(`No slot is called ${slot}.`);
    // Not the same words twice in one sentence.
    let choice = random.pick(alternatives);
    for (let tries = 0; used.has(choice) && tries < 5; tries++) choice = random.pick(alternatives);
    used.add(choice);
    return fill(choice, scene, bound, random);
  });
}

function sceneSlots(scene: Scene): Readonly<Record<string, readonly string[]>> {
  const { places, things, many, doings, sights, sayings } = scene;
  return { place: places, thing: things, many, doing: doings, sight: sights, saying: sayings };
}

/** "a apple" becomes "an apple"; sentences and speeches begin with a capital; "soup." said becomes "soup," said. */
function finish(text: string): string {
  return text
    .replaceAll(/\b([Aa]) (?=[aeio])/g, '$1n ')
    .replaceAll(/(^|[.!?] "?|^")([a-z])/g, (_, before: string, letter: string) => before + letter.toUpperCase())
    .replaceAll(/\."( (?:\w+ )?(?:said|asked|answered|whispered|called|replied))/g, ',"$1');
}
