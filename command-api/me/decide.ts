import { v5 } from 'uuid';
import type { Content } from '#events/content.ts';
import { createEvent, type Origin } from '#events/create-event.ts';
import type { NewEvent } from '#events/envelope.ts';
import type { UserState } from '#events/user.ts';

export interface UpdateMe {
  /** Left out where it stays. */
  readonly name?: Content;
  readonly language?: string;
  readonly origin: Origin;
}

export function decideUpdateMe({ name, language, origin }: UpdateMe, state: UserState): readonly NewEvent[] {
  if (state.status !== 'active') return [];
  const by = { ...origin, eventId: v5('language', origin.eventId) };
  return [
    ...(name === undefined ? [] : [createEvent('UserRenamed', { name }, origin)]),
    ...(language === undefined || language === state.user.language
      ? []
      : [createEvent('LanguageSet', { language }, by)]),
  ];
}
