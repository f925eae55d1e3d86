// E-mail addresses as people write them, and the one form in which two of them are compared.

import { z } from 'zod';

// RFC 5322's dot-atom or quoted string, with the letters of RFC 6531, before the last @; a host name or an address literal
// behind it. A name without a dot (`admin@localhost`) is a host too.
const ATOM = String.raw`[^\s\u0000-\u001f\u007f-\u009f"(),.:;<>@\[\\\]]+`;
const DOT_ATOM = String.raw`${ATOM}(?:\.${ATOM})*`;
const LOCAL = String.raw`(?:${DOT_ATOM}|"(?:[^\u0000-\u001f\u007f-\u009f"\\]|\\[ -~])+")`;
const DOMAIN = String.raw`(?:[\p{L}\p{N}](?:[\p{L}\p{M}\p{N}-]*[\p{L}\p{M}\p{N}])?(?:\.[\p{L}\p{N}](?:[\p{L}\p{M}\p{N}-]*[\p{L}\p{M}\p{N}])?)*|\[(?:[0-9.]+|IPv6:[0-9A-Fa-f:.]+)\])`;
const EMAIL = new RegExp(`^${LOCAL}@${DOMAIN}$`, 'u');
const NEEDS_NO_QUOTES = new RegExp(`^${DOT_ATOM}$`, 'u');

/** RFC 5321, section 4.5.3.1: 64 octets before the @, 254 in all. */
const octets = (text: string) => new TextEncoder().encode(text).length;
const fits = (text: string) => octets(text) <= 254 && octets(text.slice(0, text.lastIndexOf('@'))) <= 64;

export const emailSchema = z
  .string()
  .max(254)
  .refine((text) => EMAIL.test(text) && fits(text) && hostOf(text) !== undefined, 'Must be an e-mail address')
  .meta({ format: 'email', description: 'Kept as it was written; compared without regard to case.' });

/** The host in the form that names on the wire have (IDNA), in small letters; undefined for one that has none. */
function hostOf(email: string): string | undefined {
  const domain = email.slice(email.lastIndexOf('@') + 1);
  if (domain.startsWith('[')) return domain.toLowerCase();
  // Behind a label of letters no number is read as an IPv4 address.
  return URL.parse(`ws://x.${domain}`)?.hostname.slice('x.'.length);
}

/**
 * Two addresses with the same form are one account. Letters are made small by Unicode's rules, whatever the language of
 * the machine: so ı and i stay two letters, and I is the capital of i. Only what people cannot tell apart is made equal:
 * composed and decomposed accents (NFC), capitals (İ is one of i), the final sigma, and the two spellings of a host; and
 * quotes that are not needed, as they are no part of what they quote (RFC 5321, section 4.1.2).
 */
export function normaliseEmail(email: string): string {
  const local = unquoted(email.slice(0, email.lastIndexOf('@')))
    .normalize('NFC')
    .toLowerCase()
    .normalize('NFC');
  return `${local.replaceAll('i\u0307', 'i').replaceAll('ς', 'σ')}@${hostOf(email) ?? ''}`;
}

/** A quoted local part with as few quotes and backslashes as it needs: none, if it can stand without. */
function unquoted(local: string): string {
  if (!local.startsWith('"')) return local;
  const text = local.slice(1, -1).replaceAll(/\\(.)/g, '$1');
  return NEEDS_NO_QUOTES.test(text) ? text : `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
}
