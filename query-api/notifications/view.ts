import type { NotificationView } from '#contracts/notifications.ts';
import { isoTime } from '#contracts/views.ts';
import { deadLetterId } from '#platform/bus/dead-letter-rows.ts';
import { versionName } from '#platform/projection/versions.ts';
import type { Hit } from '#platform/search-index/search-index.ts';

/** `now`: what has expired by then needs nobody any more. */
export function viewNotification({ id, sort, fields }: Hit, read: boolean, now: number): NotificationView | undefined {
  const text = (name: string) => String(fields[name]);
  const number = (name: string) => (typeof fields[name] === 'number' ? fields[name] : null);
  const common = { id, object: 'notification', tenantId: text('tenant'), at: isoTime(sort), read } as const;
  const subject = text('subject');
  const resolvedAt = number('resolvedAt');
  const resolved = resolvedAt === null ? null : isoTime(resolvedAt);
  switch (fields['kind']) {
    case 'dead-letter': {
      const [version, stream, revision] = [number('version'), text('stream'), number('revision') ?? 0];
      const group = version === null ? subject : versionName(subject, version);
      const data = { deadLetterId: deadLetterId({ group, stream, revision }), version, stream, revision };
      return { ...common, kind: 'dead-letter', subject, data, resolvedAt: resolved };
    }
    case 'key-expiring': {
      const expires = number('expiresAt') ?? 0;
      const expiresAt = isoTime(expires);
      const data = { name: text('name'), expiresAt };
      return { ...common, kind: 'key-expiring', subject, data, resolvedAt: expires <= now ? expiresAt : null };
    }
    case 'model-unhealthy':
      return { ...common, kind: 'model-unhealthy', subject, data: { reason: text('reason') }, resolvedAt: resolved };
    default:
      // Of a later program.
      return undefined;
  }
}
