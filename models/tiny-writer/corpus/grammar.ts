// Sentence patterns. `{slot}` is replaced by one of the slot's alternatives, which may hold slots themselves. The slots
// name, he, him, his, friend and place are bound for a whole story; place, thing, many, doing, sight and saying come
// from its scene.

export const people: readonly { readonly name: string; readonly he: string; readonly him: string; readonly his: string }[] = [
  ...['Ada', 'Elif', 'Mary', 'Nora', 'Anna', 'Leyla', 'Rose', 'Sofia', 'Zeynep', 'the old woman', 'the baker', 'the girl', 'my sister', 'the queen', 'the captain'].map(
    (name) => ({ name, he: 'she', him: 'her', his: 'her' }),
  ),
  ...['Tom', 'Ali', 'John', 'Peter', 'Kemal', 'Daniel', 'Omar', 'Victor', 'Emre', 'the old man', 'the clerk', 'the boy', 'my brother', 'the king', 'the fisherman', 'the gardener'].map(
    (name) => ({ name, he: 'he', him: 'him', his: 'his' }),
  ),
];

export const slots: Readonly<Record<string, readonly string[]>> = {
  adj: ['old', 'new', 'small', 'large', 'green', 'blue', 'red', 'white', 'heavy', 'quiet', 'broken', 'beautiful', 'strange', 'simple', 'golden', 'warm', 'cold', 'dark', 'bright', 'good', 'tired', 'little', 'black', 'grey', 'soft', 'empty'],
  small: ['small', 'little', 'tiny', 'young', 'brown', 'grey'],
  number: ['two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten', 'twelve', 'twenty', '12', '30', '7'],
  weather: ['sunny', 'cloudy', 'rainy', 'windy', 'cold', 'warm', 'grey', 'bright', 'clear', 'foggy', 'snowy', 'quiet'],
  season: ['spring', 'summer', 'autumn', 'winter'],
  day: ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'],
  month: ['January', 'March', 'April', 'May', 'June', 'August', 'September', 'October', 'December'],
  daytime: ['morning', 'afternoon', 'evening', 'night'],
  when: ['In the {daytime}', 'In the morning', 'One {daytime}', 'Every {daytime}', 'On {day}', 'On {day} {daytime}', 'Early in the morning', 'Late in the evening', 'After dinner', 'Before sunrise', 'At noon', 'Last {season}', 'The next day', 'A week later', 'One day in {month}', 'That night', 'After a while', 'At last'],
  how: ['slowly', 'quickly', 'carefully', 'quietly', 'happily', 'without a word', 'with a smile', 'again', 'for the first time', 'as always', 'all day', 'for an hour', 'with great care'],
  tone: ['softly', 'quickly', 'quietly', 'with a smile', 'again', 'at last', 'in a low voice', 'after a while', 'kindly'],
  feeling: ['happy', 'sad', 'tired', 'hungry', 'proud', 'afraid', 'lonely', 'surprised', 'angry', 'calm', 'ready', 'glad', 'curious'],
  thought: ['that the world was a good place', 'about {his} mother', 'about the long winter', 'of the {thing} again', 'that {friend} was right', 'that it was time to go home', 'about nothing at all', 'that tomorrow would be better', 'of a song from long ago', 'that {he} had seen the {thing} before'],
  said: ['said', 'said', 'said', 'asked', 'answered', 'whispered', 'called', 'replied'],
  weatherLine: ['It was a {weather} {daytime}', 'It was a {weather} day in {month}', 'The day was {weather} and {weather}', 'The wind was {adj} that {daytime}', 'It rained all {daytime}', 'The sun rose over the {many}', 'Snow fell on the {many}', 'The sky was {adj} and full of clouds', 'The {season} was long that year', 'The moon was {adj} and round'],
};

/** How a story begins. */
export const openings: readonly string[] = [
  'Once upon a time there was a {adj} {thing} {place}.',
  'Once upon a time {name} lived {place}.',
  '{weatherLine}. {name} was {place}.',
  '{when} {name} {doing}.',
  '{name} was {feeling}. It was a {weather} {daytime} and there was nobody {place}.',
  '{weatherLine}, and {name} {doing}.',
  'This is the story of {name} and the {adj} {thing}.',
  'Long ago, {place}, {name} {doing} every {daytime}.',
  'There was once a {thing} that nobody wanted.',
  '{sight}. {name} stood {place} and waited for {friend}.',
];

/** What may follow, in any order. */
export const sentences: readonly string[] = [
  '{Name} {doing}.',
  '{Name} {doing} and {doing}.',
  '{He} {doing} {how}.',
  '{He} {doing}, but {he} did not see the {thing}.',
  '{He} {doing} because {he} was {feeling}.',
  '{He} {doing} while {friend} {doing}.',
  'Then {he} {doing}.',
  'Then {he} {doing} and went home.',
  '{when} {he} {doing}.',
  '{when} {name} and {friend} {doing}.',
  '{when} {friend} {doing}, and {he} {doing}.',
  '{sight}.',
  '{sight}.',
  '{sight}, and {name} was {feeling}.',
  '{sight}, but {he} was not {feeling}.',
  '{weatherLine}.',
  'The {thing} was {adj} and {adj}.',
  'There was a {adj} {thing} {place}.',
  'There were {number} {many} {place}.',
  'The {many} were {adj}, and the {thing} was {adj}.',
  '{He} thought {thought}.',
  '{Name} was {feeling}, and {he} thought {thought}.',
  '{He} had never seen such a {adj} {thing}.',
  '{He} wanted to keep the {thing}, but it was too {adj}.',
  'When {he} {doing}, the {many} were gone.',
  'If the {thing} is {adj}, the {many} are {adj} too.',
  'Nobody knew where the {adj} {thing} came from.',
  'It was the {adj} {thing} that {he} had lost.',
  '"{saying}" {said} {name}.',
  '"{saying}" {said} {friend}. "{saying}"',
  '"{saying}" {he} {said} {tone}.',
  '"I am {feeling}," said {name}. "{saying}"',
  '"Where is the {thing}?" asked {friend}. "It is {place}," said {name}.',
  '"Do you see the {many}?" asked {name}. "Yes, they are {adj}," said {friend}.',
  '"Good {daytime}," said {friend}. {Name} {doing}.',
];

/** How a story ends. */
export const endings: readonly string[] = [
  'And that was the end of the {daytime}.',
  'From that day on, {name} was never {feeling} again.',
  'They went home together, and {he} slept well that night.',
  '{Name} smiled and {doing}.',
  '"{saying}" said {name}, and that was all.',
  'The {thing} is still there today.',
  '{He} wrote it all down, and the page was full.',
  'In the end everything was in its place.',
];
