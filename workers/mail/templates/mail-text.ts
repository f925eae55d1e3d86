// How every mail of ours looks: plain words, one button where there is something to do, nothing that is fetched from
// elsewhere and nothing that tells who has read it. What templates give is text; it is made safe for HTML here, once.

export type Language = 'en' | 'tr';

/** What is written in, for a person of that language. */
export const languageOf = (language: string): Language => (language === 'tr' ? 'tr' : 'en');

/** What a mail says, in one language. */
export interface MailWords {
  readonly subject: string;
  readonly greeting: string;
  /** Paragraphs before the button. */
  readonly before: readonly string[];
  readonly action?: { readonly label: string; readonly url: string };
  /** Paragraphs behind it. */
  readonly after: readonly string[];
}

export interface RenderedMail {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

const WORDS: Readonly<Record<Language, { readonly orOpen: string; readonly automatic: (host: string) => string }>> = {
  en: {
    orOpen: 'If the button does nothing, open this address:',
    automatic: (host) => `Defter at ${host} sent this mail by itself; answers to it are not read.`,
  },
  tr: {
    orOpen: 'Düğme çalışmazsa şu adresi açın:',
    automatic: (host) => `Bu e-postayı ${host} adresindeki Defter kendiliğinden gönderdi; yanıtlar okunmaz.`,
  },
};

/** `publicUrl` is where people reach the installation. */
export function renderMail(language: Language, publicUrl: string, words: MailWords): RenderedMail {
  const { subject, greeting, before, action, after } = words;
  const { orOpen, automatic } = WORDS[language];
  const footer = automatic(new URL(publicUrl).host);
  const paragraphs = [greeting, ...before, ...(action ? [`${action.label}:\n${action.url}`] : []), ...after];
  const text = `${[...paragraphs, `-- \n${footer}`].join('\n\n')}\n`;
  const paragraph = (words: string) => `      <p style="margin:0 0 16px">${escapeHtml(words)}</p>`;
  const html = [
    '<!doctype html>',
    `<html lang="${language}">`,
    '  <head>',
    '    <meta charset="utf-8">',
    '    <meta name="viewport" content="width=device-width">',
    '    <meta name="color-scheme" content="light dark">',
    `    <title>${escapeHtml(subject)}</title>`,
    '  </head>',
    '  <body style="margin:0;padding:32px 16px;font:16px/1.5 system-ui,-apple-system,Segoe UI,Roboto,Arial,sans-serif">',
    '    <div style="max-width:544px;margin:0 auto">',
    '      <p style="margin:0 0 24px;font-size:20px;font-weight:600">Defter</p>',
    ...[greeting, ...before].map(paragraph),
    ...(action ? button(action, orOpen) : []),
    ...after.map(paragraph),
    '      <hr style="margin:24px 0 16px;border:0;border-top:1px solid #8886">',
    `      <p style="margin:0;font-size:13px;opacity:.7">${escapeHtml(footer)}</p>`,
    '    </div>',
    '  </body>',
    '</html>',
    '',
  ].join('\n');
  return { subject, text, html };
}

function button({ label, url }: NonNullable<MailWords['action']>, orOpen: string): string[] {
  const href = escapeHtml(url);
  const look = 'display:inline-block;padding:12px 20px;border-radius:8px;background:#1d4ed8;color:#ffffff';
  return [
    `      <p style="margin:24px 0"><a href="${href}" style="${look};text-decoration:none;font-weight:600">${escapeHtml(label)}</a></p>`,
    `      <p style="margin:0 0 16px;font-size:13px">${escapeHtml(orOpen)}<br><a href="${href}" style="word-break:break-all">${href}</a></p>`,
  ];
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const escapeHtml = (text: string): string => text.replaceAll(/[&<>"']/g, (sign) => ENTITIES[sign] ?? sign);

const MOST_CHARACTERS = 80;

/**
 * What somebody typed as a name, fit to stand in a sentence of ours: one line, no longer than a name is, without signs that
 * turn the direction of writing or cannot be seen, and without what mail programs make a link of.
 */
export function asName(given: string): string {
  const line = given
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .replaceAll(/(?<=\S)[.:/@](?=\S)/g, (sign) => `${sign} `)
    .trim();
  const characters = Array.from(line);
  return characters.length > MOST_CHARACTERS ? `${characters.slice(0, MOST_CHARACTERS - 1).join('')}…` : line;
}

const HELLO: Readonly<Record<Language, string>> = { en: 'Hello', tr: 'Merhaba' };

/** `name`: null of one who has not said it. */
export const greetingIn = (language: Language, name: string | null): string =>
  name === null ? `${HELLO[language]},` : `${HELLO[language]} ${asName(name)},`;

/** `2 December 2026, 14:05 UTC` */
export const momentIn = (language: Language, milliseconds: number): string =>
  new Intl.DateTimeFormat(language === 'tr' ? 'tr-TR' : 'en-GB', {
    dateStyle: 'long',
    timeStyle: 'short',
    timeZone: 'UTC',
  }).format(milliseconds) + ' UTC';
