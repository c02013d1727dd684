import type { CustomerFields } from '@throughline/contracts';
import { type Delivery, Unmappable } from './connector.ts';
import { parseExact } from './exact-json.ts';
import { Place } from './place.ts';
import { fullName, type Optional, type SeenOrder } from './seen.ts';

/** What shops say of an order beside which one, whose and when. */
export type ShopOrder = Omit<SeenOrder, 'externalId' | 'at' | 'customerId' | 'currency'>;

export const rootOf = ({ body }: Delivery): Place => new Place(parseExact(body)).object();

/** @throws Unmappable that names the place where the moment should have been */
export function momentAt(moment: string | undefined, source: Place, name: string): string {
  if (moment === undefined) throw new Unmappable('Missing.', `${source.pointer}/${name}`);
  return moment;
}

/** The name of the first of these places that has one, never the given name of one with the family name of another. */
export function nameFrom(
  places: readonly Place[],
  read: (place: Place) => string | undefined = (place) => place.text(),
): Pick<Optional<CustomerFields>, 'name' | 'givenName' | 'familyName'> {
  for (const place of places) {
    const givenName = read(place.get('first_name'));
    const familyName = read(place.get('last_name'));
    const name = fullName(givenName, familyName) ?? read(place.get('name'));
    if (name !== undefined) return { name, givenName, familyName };
  }
  return {};
}
