import assert from 'node:assert/strict';
import { finalError, isFinal, isTransient, NamedError, transientError } from '#platform/errors.ts';
import { EventRefused, EventTooLarge } from '#platform/event-store/event-store.ts';
import { thrown } from '#platform/lifecycle/cross-thread-error.ts';

class Gone extends finalError('gone') {}
class Away extends transientError('away') {}

describe('Errors of our own', () => {
  it('bear the name of their class, its code, and whether trying again helps', () => {
    const cause = new Error('a socket');
    const away = new Away('not there', { cause });
    assert.deepEqual(
      [away.name, away.code, away.message, away.cause, isTransient(away), isFinal(away)],
      ['Away', 'away', 'not there', cause, true, false],
    );
    assert.deepEqual([isTransient(new Gone()), isFinal(new Gone())], [false, true]);
    assert.ok(away instanceof NamedError && away instanceof Error && !((away as Error) instanceof Gone));
  });

  it('say their own name and code where one kind is a special case of another', () => {
    const tooLarge = new EventTooLarge('17 MB');
    assert.ok(tooLarge instanceof EventRefused);
    assert.deepEqual([tooLarge.name, tooLarge.code, tooLarge.retriable], ['EventTooLarge', 'event-too-large', false]);
  });

  it('begin their stack where they were thrown', () => {
    assert.match(new Away('not there').stack!.split('\n')[1]!, /errors\.test\.ts/);
  });

  it('keep name, code and retriable on their way to another thread', () => {
    const { name, message, fields } = structuredClone(thrown(new Away('not there')));
    assert.deepEqual([name, message, fields], ['Away', 'not there', { code: 'away', retriable: true }]);
  });
});
