import { isDeepStrictEqual } from 'node:util';
import { mapSchema, schemasOf, type Dictionary, type Schema } from './schema.ts';

/** What was promised with a release: service -> type -> its stream and the schemas of its versions, the first one first. */
export type Released = Readonly<Record<string, Readonly<Record<string, ReleasedEvent>>>>;
type ReleasedEvent = { stream: string; versions: readonly Schema[] };

/** Titles and descriptions promise nothing. */
const bare = (schema: Schema): Schema => mapSchema(schema, ({ title: _, description: __, ...rest }) => rest);

export const snapshotOf = (dictionary: Dictionary): Released =>
  Object.fromEntries(
    Object.entries(dictionary).map(([service, events]) => [
      service,
      Object.fromEntries(
        Object.entries(events).map(([type, definition]) => [
          type,
          { stream: definition.stream, versions: schemasOf(definition).map(bare) },
        ]),
      ),
    ]),
  );

/**
 * What in the present contracts breaks a promise. Additive are a new type, a new optional property, and a new version
 * beside those that there were. Whatever else changes takes a new version or a new type, so that an older release stops
 * at it instead of misreading it.
 *
 * @returns sentences that begin with the path, none where all is well
 */
export function brokenPromises(released: Released, present: Released): readonly string[] {
  return Object.entries(released).flatMap(([service, events]) =>
    Object.entries(events).flatMap(([type, was]) => {
      const path = `${service}.${type}`;
      const is = present[service]?.[type];
      if (!is) return [`${path}: the type was removed or renamed`];
      const moved = is.stream === was.stream ? [] : [`${path}: its stream changed from ${was.stream} to ${is.stream}`];
      const versions = was.versions.flatMap((schema, index) => {
        const place = `${path}.v${index + 1}`;
        const now = is.versions[index];
        return now ? differences(place, schema, now) : [`${place}: the version was removed`];
      });
      return [...moved, ...versions];
    }),
  );
}

function differences(path: string, was: Schema, is: Schema): readonly string[] {
  if (!isDeepStrictEqual(was.personal, is.personal)) {
    return [`${path}: its personal mark changed from ${show(was.personal)} to ${show(is.personal)}`];
  }
  const { properties, required: _, items, anyOf, ...rest } = was;
  const { properties: newProperties, required: __, items: newItems, anyOf: newAnyOf, ...newRest } = is;
  const sameKind = !properties === !newProperties && !items === !newItems && !anyOf === !newAnyOf;
  if (!sameKind || !isDeepStrictEqual(rest, newRest)) return [`${path}: it changed from ${show(was)} to ${show(is)}`];
  return [
    ...(properties && newProperties ? propertyDifferences(path, was, is) : []),
    ...(items && newItems ? differences(`${path}[]`, items, newItems) : []),
    ...(anyOf && newAnyOf ? choiceDifferences(path, anyOf, newAnyOf) : []),
  ];
}

function propertyDifferences(path: string, was: Schema, is: Schema): readonly string[] {
  const [before, now] = [was.properties ?? {}, is.properties ?? {}];
  const required = (schema: Schema, name: string) => schema.required?.includes(name) ?? false;
  const kept = Object.entries(before).flatMap(([name, schema]) => {
    const place = `${path}.${name}`;
    const next = now[name];
    if (!next) return [`${place}: the property was removed or renamed`];
    const [wasRequired, isRequired] = [required(was, name), required(is, name)];
    return [
      ...(isRequired && !wasRequired ? [`${place}: it became required, and stored events may lack it`] : []),
      ...(wasRequired && !isRequired ? [`${place}: it became optional, and readers count on it`] : []),
      ...differences(place, schema, next),
    ];
  });
  const added = Object.keys(now).filter((name) => !before[name] && required(is, name));
  return [...kept, ...added.map((name) => `${path}.${name}: it is new and required, and stored events lack it`)];
}

function choiceDifferences(path: string, was: readonly Schema[], is: readonly Schema[]): readonly string[] {
  const without = (some: readonly Schema[], others: readonly Schema[]) =>
    some.filter((one) => !others.some((other) => isDeepStrictEqual(one, other)));
  const [gone, come] = [without(was, is), without(is, was)];
  const [only, another] = gone;
  if (only && !another && come[0] && come.length === 1) return differences(path, only, come[0]);
  return [
    ...gone.map((one) => `${path}: it can no longer be ${show(one)}`),
    ...come.map((one) => `${path}: it can be ${show(one)} too, which readers of this version do not know`),
  ];
}

const show = (value: unknown): string => (value === undefined ? 'none' : JSON.stringify(value));
