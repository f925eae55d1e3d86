// Which passwords are refused however long they are: those that are tried first.

/** Of a pattern that is written again and again. */
const LONGEST_PATTERN = 8;
const REPEATED = new RegExp(`^(.{1,${LONGEST_PATTERN}})\\1+$`, 'su');
/** What people add to a word to make it a password. */
const ADDED = /^[\d\p{P}\p{S}]{0,4}(.*?)[\d\p{P}\p{S}]{0,6}$/su;

/**
 * Whether it is one of the commonest (all in lower case), but for upper case and a few digits or signs around it, or one
 * short pattern again and again.
 */
export function isCommonPassword(password: string, commonest: ReadonlySet<string>): boolean {
  const folded = password.toLowerCase();
  return REPEATED.test(folded) || commonest.has(folded) || commonest.has(ADDED.exec(folded)?.[1] ?? folded);
}
