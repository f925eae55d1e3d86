// Everyday words that Node's own ICU knows in every language (CLDR data, Unicode licence v3): days, months, "in three
// weeks", "five kilometres", names of countries and languages. Made at training time, nothing of it is stored.

const UNITS = ['year', 'month', 'week', 'day', 'hour', 'minute', 'second'] as const;
const MEASURES = ['kilometer', 'kilogram', 'liter', 'degree', 'percent', 'mile', 'meter', 'gram', 'byte'] as const;
const REGIONS = ['DE', 'TR', 'FR', 'GB', 'US', 'JP', 'CN', 'IN', 'EG', 'GR', 'IT', 'RU', 'SE', 'NL', 'ZA', 'KR', 'CH'];

/** Short phrases in the language `label`, the same on every run with the same Node. */
export function calendarPhrases(label: string): string[] {
  const phrases: string[] = [];
  const relative = new Intl.RelativeTimeFormat(label, { numeric: 'auto' });
  for (const unit of UNITS) for (const count of [-7, -2, -1, 0, 1, 2, 5]) phrases.push(relative.format(count, unit));
  for (const unit of MEASURES) {
    const measure = new Intl.NumberFormat(label, { style: 'unit', unit, unitDisplay: 'long' });
    for (const count of [1, 2, 5]) phrases.push(measure.format(count));
  }
  const date = new Intl.DateTimeFormat(label, { dateStyle: 'full', calendar: 'gregory', timeZone: 'UTC' });
  for (let month = 0; month < 12; month++) {
    for (const day of [1, 9, 17, 26]) phrases.push(date.format(new Date(Date.UTC(2026, month, day))));
  }
  const regions = new Intl.DisplayNames(label, { type: 'region' });
  const names = REGIONS.map((region) => regions.of(region) ?? '');
  for (const type of ['conjunction', 'disjunction'] as const) {
    const list = new Intl.ListFormat(label, { type });
    for (let at = 0; at + 2 < names.length; at += 2) phrases.push(list.format(names.slice(at, at + 3)));
  }
  return phrases;
}
