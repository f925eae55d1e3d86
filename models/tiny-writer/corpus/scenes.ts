// Where the stories happen. Each scene has its own places, things, doings and sights, so that the sentences of one
// story belong together. `{name}` marks a slot, see grammar.ts; doings are in the past tense and fit any person.

export interface Scene {
  /** Each after "in", "at" or "on", with its preposition. */
  readonly places: readonly string[];
  /** Singular nouns that take "a" and "the". */
  readonly things: readonly string[];
  /** Plural nouns. */
  readonly many: readonly string[];
  /** What a person did, without the subject. */
  readonly doings: readonly string[];
  /** Whole sentences about the scene, without the full stop. */
  readonly sights: readonly string[];
  /** What people of this scene say, with their own stop. */
  readonly sayings: readonly string[];
}

export const scenes: readonly Scene[] = [
  {
    places: ['in the garden', 'under the apple tree', 'beside the old wall', 'in the greenhouse', 'by the garden gate', 'between the roses'],
    things: ['rose', 'apple tree', 'spade', 'basket', 'flower bed', 'stone path', 'watering can', 'bird house', 'wooden bench', 'hedge', 'pear'],
    many: ['roses', 'apples', 'bees', 'tomatoes', 'leaves', 'seeds', 'beans', 'flowers', 'sparrows', 'weeds', 'herbs'],
    doings: ['watered the {many}', 'planted a row of {many}', 'picked a basket of apples', 'cut the long grass', 'dug a deep hole for the {thing}', 'swept the dry leaves from the path', 'sat down on the wooden bench', 'counted the {many} one by one', 'tied the beans to a stick', 'carried the {thing} to the gate', 'looked at the {adj} {thing}', 'listened to the bees'],
    sights: ['The {many} were {adj} after the rain', 'A {small} bird sang in the apple tree', 'The bees moved slowly from flower to flower', 'The smell of wet earth filled the air', 'The gate was open and the path was dry', 'Nothing grew in the corner behind the wall', 'The first leaves were falling from the tree', 'Every spring the garden woke up again'],
    sayings: ['The roses need more water.', 'Who left the gate open?', 'Winter is coming, and the beans are not ready yet.', 'Do not walk on the seeds, please.', 'This is the best apple of the year.'],
  },
  {
    places: ['by the sea', 'on the beach', 'in the harbour', 'on the old boat', 'at the end of the pier', 'near the lighthouse'],
    things: ['boat', 'net', 'shell', 'sail', 'rope', 'lighthouse', 'wave', 'gull', 'anchor', 'lantern', 'fishing boat'],
    many: ['waves', 'gulls', 'boats', 'nets', 'shells', 'ropes', 'fishermen', 'rocks', 'islands', 'stones', 'crabs'],
    doings: ['pulled the {thing} out of the water', 'mended the {adj} nets', 'walked along the beach', 'watched the {many} for a long time', 'threw a stone into the waves', 'tied the boat to the pier', 'sailed past the islands', 'collected shells in a {adj} bag', 'waited for the wind to change', 'looked out over the grey water', 'lit the lantern', 'caught three silver fish'],
    sights: ['The sea was calm and the sky was clear', 'The waves broke against the rocks', 'A {adj} boat came slowly into the harbour', 'The gulls cried above the nets', 'The light of the lighthouse turned in the dark', 'The wind smelled of salt and fish', 'At low tide the {many} lay on the sand', 'Far away a white sail crossed the bay'],
    sayings: ['The tide is turning.', 'There will be a storm before night.', 'Did you see the light on the island?', 'We shall sail when the wind is fair.', 'The sea gives and the sea takes.'],
  },
  {
    places: ['in the office', 'at the desk', 'in the counting house', 'behind the counter', 'in the back room of the shop', 'at the long table'],
    things: ['ledger', 'page', 'account', 'pen', 'letter', 'receipt', 'number', 'column', 'line', 'seal', 'key', 'drawer'],
    many: ['numbers', 'pages', 'coins', 'letters', 'accounts', 'receipts', 'names', 'books', 'entries', 'keys', 'papers'],
    doings: ['opened the ledger at the first page', 'wrote the date at the top of the page', 'added the numbers twice', 'found a mistake in the {thing}', 'signed the {thing} with a steady hand', 'counted {number} coins', 'closed the book and locked the drawer', 'read every line of the {thing}', 'copied the {many} into the book', 'looked for the missing {thing}', 'put the {many} in order', 'checked the sum again'],
    sights: ['Every line of the ledger told a small story', 'Nothing was ever rubbed out in that book', 'The page was full of {many}', 'The sum was right at last', 'The ledger lay open under the lamp', 'Each entry had a date, a name and a number', 'What was written stayed written', 'The ink was dry and the column was complete', 'On page {number} there was a {adj} stain'],
    sayings: ['The books must balance before we go home.', 'Who wrote this line?', 'A ledger never forgets.', 'Please count the coins again.', 'Every change must be written down.'],
  },
  {
    places: ['in the kitchen', 'by the stove', 'at the kitchen table', 'near the warm oven', 'in front of the fire'],
    things: ['loaf of bread', 'pot', 'spoon', 'cup', 'plate', 'kettle', 'cake', 'pan', 'knife', 'bowl of soup', 'jar of honey'],
    many: ['plates', 'cups', 'onions', 'eggs', 'potatoes', 'spoons', 'nuts', 'carrots', 'cakes', 'jars', 'plums'],
    doings: ['put the kettle on the stove', 'baked a {thing} for the guests', 'cut the bread into thin slices', 'poured the tea', 'washed the {many}', 'stirred the soup with a wooden spoon', 'set the table for {number} people', 'tasted the {adj} soup', 'broke two eggs into a bowl', 'filled the cups with hot milk', 'ate a piece of warm bread', 'cleaned the {thing} with care'],
    sights: ['The kettle began to sing', 'The kitchen smelled of bread and butter', 'The soup was hot and thick', 'There was a {thing} on the table', 'The fire was low and the room was warm', 'Steam covered the window', 'The {many} stood in a row on the shelf', 'Nobody had touched the {adj} cake'],
    sayings: ['Dinner is ready.', 'Would you like some more soup?', 'The bread is still warm.', 'Who ate the last piece of cake?', 'Be careful, the pot is very hot.'],
  },
  {
    places: ['in the market', 'in the town square', 'on the narrow street', 'at the corner shop', 'near the fountain', 'under the clock tower'],
    things: ['market', 'coat', 'hat', 'carpet', 'lamp', 'bell', 'cart', 'fountain', 'window', 'ring', 'bag of nuts', 'silver watch'],
    many: ['people', 'oranges', 'hats', 'carpets', 'lemons', 'lamps', 'spices', 'bells', 'shops', 'figs', 'merchants'],
    doings: ['bought a {adj} {thing}', 'sold {many} to the people of the town', 'asked for the price of the {thing}', 'paid with {number} coins', 'carried a heavy bag home', 'met an old friend near the fountain', 'looked at the shop windows', 'waited under the clock tower', 'crossed the square', 'filled a bag with {many}', 'shook hands with the merchant', 'went from shop to shop'],
    sights: ['The market was full of {many}', 'The clock struck {number}', 'Children ran between the carts', 'A {adj} lamp hung above the door', 'The merchants called out their prices', 'The street was empty at noon', 'It was the busiest day of the week', 'The bells rang and the doors of the shops opened'],
    sayings: ['How much is this lamp?', 'That is too much, my friend.', 'Come back tomorrow and I will give you a better price.', 'Fresh oranges, sweet as honey!', 'I have only {number} coins left.'],
  },
  {
    places: ['in the forest', 'on the hill', 'by the river', 'at the foot of the mountain', 'beside the lake', 'near the wooden bridge'],
    things: ['fox', 'owl', 'river', 'bridge', 'hill', 'tree', 'deer', 'path', 'cloud', 'stone', 'nest', 'rabbit'],
    many: ['trees', 'birds', 'clouds', 'stones', 'mushrooms', 'foxes', 'stars', 'branches', 'hills', 'deer', 'berries'],
    doings: ['followed the path into the forest', 'crossed the wooden bridge', 'climbed the hill before sunrise', 'rested under a tall tree', 'saw a {thing} between the trees', 'heard an owl in the dark', 'gathered {many} for the winter', 'drank cold water from the river', 'made a small fire', 'slept beside the lake', 'looked up at the {many}', 'lost the way in the fog'],
    sights: ['The forest was dark and quiet', 'A {adj} fox ran across the path', 'The river was high after the snow', 'The moon rose over the hill', 'Mist lay on the lake like milk', 'The {many} stood still in the cold air', 'Somewhere an owl called twice', 'The path went up and up between the stones'],
    sayings: ['Listen, there is somebody in the forest.', 'We must reach the bridge before dark.', 'I have never seen so many stars.', 'The old path is safer.', 'Follow the river and you will find the village.'],
  },
  {
    places: ['in the library', 'at the school', 'in the classroom', 'in the reading room', 'at the window of the museum'],
    things: ['book', 'map', 'picture', 'question', 'lesson', 'story', 'poem', 'word', 'chair', 'answer', 'notebook'],
    many: ['books', 'maps', 'children', 'questions', 'words', 'stories', 'pictures', 'students', 'chairs', 'poems', 'shelves'],
    doings: ['read a {adj} book about the sea', 'drew a map of the island', 'asked a {adj} question', 'learned {number} new words', 'wrote a poem in a notebook', 'told the children a story', 'looked for the answer in a book', 'put the {many} back on the shelf', 'opened the {adj} map', 'remembered every word', 'explained the lesson again', 'turned the page'],
    sights: ['The library was silent', 'Dust danced in the light of the window', 'The {many} listened with open mouths', 'On the last page there was a {thing}', 'Nobody knew the answer', 'The teacher smiled and said nothing', 'There were more books than anyone could read', 'The map showed a road that was no longer there'],
    sayings: ['What does this word mean?', 'A good question is better than a quick answer.', 'Please read the last page again.', 'Can you tell us another story?', 'I found it in an old book.'],
  },
  {
    places: ['at the station', 'on the train', 'on the long road', 'in the small hotel', 'at the inn', 'on the platform'],
    things: ['train', 'suitcase', 'ticket', 'road', 'door', 'letter', 'umbrella', 'wheel', 'horse', 'bridge', 'village'],
    many: ['travellers', 'suitcases', 'tickets', 'horses', 'villages', 'fields', 'letters', 'wheels', 'strangers', 'lights', 'roads'],
    doings: ['waited for the morning train', 'packed a {adj} suitcase', 'sent a letter home', 'missed the last train', 'talked with a stranger about the weather', 'slept in a small hotel', 'bought a ticket to the coast', 'looked out of the window at the fields', 'forgot the {thing} on the platform', 'arrived late in the evening', 'walked the whole way back', 'asked the way to the village'],
    sights: ['The train was late again', 'The road was long and full of {many}', 'Rain ran down the windows', 'The lights of the village came nearer', 'A {adj} horse stood in front of the inn', 'Nobody was waiting at the station', 'The fields were yellow and wide', 'The journey took {number} days'],
    sayings: ['When does the next train leave?', 'I will write to you every week.', 'Is this seat free?', 'You must change at the next station.', 'Home is where they wait for you.'],
  },
];
