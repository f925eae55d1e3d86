// The events of a text/event-stream whose data is JSON; comments are left out.

export interface ReadEvent {
  readonly id?: string;
  readonly event?: string;
  readonly data: unknown;
}

export function readEventStream(text: string): ReadEvent[] {
  return text
    .split('\n\n')
    .map((frame) => new Map([...frame.matchAll(/^(id|event|data): (.*)$/gm)].map(([, field, value]) => [field, value])))
    .flatMap((fields) => {
      const [id, event, data] = [fields.get('id'), fields.get('event'), fields.get('data')];
      if (data === undefined) return [];
      return [
        { ...(id !== undefined && { id }), ...(event !== undefined && { event }), data: JSON.parse(data) as unknown },
      ];
    });
}
