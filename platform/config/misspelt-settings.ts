// Variables that are probably meant for a setting. The environment is full of other programs' variables, so only what is
// very near a setting's name is told: a short name must be wrong by nothing but case and underscores.

import leven from 'leven';
import { settingsByKey } from './settings.ts';

const settingNames = settingsByKey.filter(([, { hidden }]) => !hidden).map(([, { name }]) => name);

const plain = (name: string) => name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '');

const slipsBorne = (setting: string) => (setting.length < 8 ? 0 : setting.length < 10 ? 1 : 2);

/** By what is written, the setting that was meant; one that is set by its own name is not told again. */
export function misspeltSettings(given: readonly string[]): ReadonlyMap<string, string> {
  const set = new Set(given);
  const missing = settingNames.filter((name) => !set.has(name));
  const known = new Set(settingsByKey.map(([, { name }]) => name));
  const isNear = (name: string, setting: string) =>
    plain(name) === plain(setting) ||
    leven(name.toUpperCase(), setting, { maxDistance: slipsBorne(setting) + 1 }) <= slipsBorne(setting);
  return new Map(
    given
      .filter((name) => !known.has(name))
      .flatMap((name) => {
        const meant = missing.find((setting) => isNear(name, setting));
        return meant === undefined ? [] : [[name, meant] as const];
      }),
  );
}
