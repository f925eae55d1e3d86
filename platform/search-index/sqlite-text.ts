// Full text in the order of lists. Numbered documents are walked from the first one on, and the walk stops when the page is
// full: first a number of those that meet the other conditions, whose words are looked at one by one, which is all that it
// takes where the words are common or the conditions leave few; then those that the full-text index says have the words.
// Of the beginning of a word it says nothing before it has put together all that have such a word: so where whole words are
// asked for too, first a number of those that have them are looked at.

import type { StatementSync } from 'node:sqlite';
import { type IndexDefinition, idOfNumber, type SearchQuery } from './search-index.ts';
import { documentsTable, keptWordsTable, placeColumns, wordsTable } from './sqlite-index-schema.ts';
import { type Clauses, toMatch } from './sqlite-query.ts';
import { inTime, narrowed, type Page, type Walk, type Way } from './sqlite-walk.ts';
import { toWantedWord } from './words.ts';

type Text = NonNullable<SearchQuery['text']>;

/** Documents whose words are looked at one by one, and how many are taken at once. */
const LOOKED_AT = 2_000;
const AT_ONCE = 250;
/** Milliseconds after which even long texts are not looked at any more. */
const LOOK_MS = 15;

interface TextWay extends Way {
  /** The partitions that the documents lie in. */
  readonly within: Clauses;
}

export function createTextSearch(index: IndexDefinition, prepared: (sql: string) => StatementSync, walk: Walk) {
  const table = documentsTable(index.name);

  function matching({ field, words }: Text) {
    const name = wordsTable(index.name, field);
    // The words first, then their documents: CROSS JOIN keeps SQLite from asking the word list once per document.
    const from = `${name} AS words CROSS JOIN ${table} ON doc = words.rowid`;
    return { from, where: [`${name} MATCH ?`], values: [toMatch(words)] };
  }

  /** Those that the full-text index tells, in order. */
  function find(way: TextWay, text: Text, page: Page): number[] {
    const { from, ...match } = matching(text);
    const descending = page.order === 'descending';
    const direction = descending ? 'DESC' : 'ASC';
    const parts: Clauses[] = [match];
    let order: string;
    if (index.numbered) {
      const { low, high } = narrowed(way.span, page);
      if (low > high) return [];
      parts.push({ where: ['words.rowid >= ?', 'words.rowid <= ?'], values: [low, high] });
      // The full-text index goes by these; by the documents' own numbers all that is found would be sorted first.
      order = `words.rowid ${direction}`;
    } else {
      const columns = placeColumns(index);
      const { after } = page;
      if (after) {
        const where = [`(${columns.join(', ')}) ${descending ? '<' : '>'} (?, ?)`];
        parts.push({ where, values: [after.sort, after.id] });
      }
      order = columns.map((name) => `${name} ${direction}`).join(', ');
    }
    parts.push(way.within, way);
    const where = inTime(parts.flatMap((part) => part.where));
    return prepared(`SELECT doc FROM ${from} WHERE ${where} ORDER BY ${order} LIMIT ?`)
      .all(...parts.flatMap((part) => part.values), page.limit)
      .map((row) => row['doc'] as number);
  }

  /** Whether a document has the words. */
  function toLook({ field, words }: Text): (doc: number) => boolean {
    const kept = keptWordsTable(index.name, field);
    const wanted = words.map((word) => {
      const { text, isPrefix } = toWantedWord(word);
      return ` ${text}${isPrefix ? '' : ' '}`;
    });
    const has = wanted.map(() => `instr(' ' || c0 || ' ', ?) > 0`).join(' AND ');
    const statement = prepared(`SELECT 1 FROM ${kept} WHERE id = ? AND ${has}`);
    return (doc) => statement.get(doc, ...wanted) !== undefined;
  }

  /** The documents of a page. */
  function search(way: TextWay, text: Text, page: Page): number[] {
    if (!index.numbered) return find(way, text, page);
    const isPrefix = (word: string) => toWantedWord(word).isPrefix;
    const whole = { ...text, words: text.words.filter((word) => !isPrefix(word)) };
    const begun = { ...text, words: text.words.filter(isPrefix) };
    const hits: number[] = [];
    let { after } = page;

    /** Whether the page is full, or no more candidates are left. */
    function lookThrough(candidates: (page: Page) => number[], looks: (doc: number) => boolean): boolean {
      const until = performance.now() + LOOK_MS;
      for (let looked = 0; looked < LOOKED_AT && performance.now() < until; looked += AT_ONCE) {
        const some = candidates({ ...page, limit: AT_ONCE, ...(after && { after }) });
        for (const doc of some) {
          if (looks(doc)) hits.push(doc);
          if (hits.length === page.limit) return true;
        }
        const last = some.at(-1);
        if (last === undefined || some.length < AT_ONCE) return true;
        after = { sort: last, id: idOfNumber(last) };
      }
      return false;
    }

    if (lookThrough((some) => walk(way, some).map(({ doc }) => doc), toLook(text))) return hits;
    const hasBoth = whole.words.length > 0 && begun.words.length > 0;
    if (hasBoth && lookThrough((some) => find(way, whole, some), toLook(begun))) return hits;
    const rest = { order: page.order, limit: page.limit - hits.length, ...(after && { after }) };
    return [...hits, ...find(way, text, rest)];
  }

  return { search, matching };
}
