import { known } from '@throughline/contracts';
import { document, touch } from '@throughline/event-sourcing';
import {
  customerProfile,
  fieldsOfGroup,
  groupsOf,
  lifeOf,
  type CustomerGroup,
  type CustomerProfile,
} from '../search/customer-profile.view.ts';
import { after, dateText } from './columns.view.ts';
import { attributesAfter, noAttributes, type DimCustomer } from './dim-customer.view.ts';

/** A customer of several records as analysts see it, by the columns of `dim_customer`; what is not known is left out. */
export type GoldenCustomer = { id: string } & Partial<Omit<DimCustomer, 'recordId' | 'archived' | 'number'>>;

const ofSeveral = ({ id, goldenId, rest }: CustomerProfile) =>
  goldenId !== id || rest.members !== undefined ? goldenId : undefined;

export const goldenCustomer = document<GoldenCustomer>({
  name: 'golden_customer',
  version: 2,
  touchedBy: [touch(customerProfile, ofSeveral)],
  async render(keys, read) {
    const groups = groupsOf(keys, await read(customerProfile, 'goldenId', keys));
    return [...groups].flatMap(([id, group]) => (group.length > 1 ? [shown(id, group)] : []));
  },
});

function shown(id: string, group: CustomerGroup): GoldenCustomer {
  const fields = fieldsOfGroup(group);
  const { archived: _, ...attributes } = attributesAfter(noAttributes, { ...fields, emailsReserved: false });
  const columns = {
    name: after(fields.name, null),
    companyName: after(fields.companyName, null),
    birthDate: dateText(known(fields.birthDate)),
    ...attributes,
    ...lifeOf(group),
  };
  const told = Object.entries(columns).filter(([, value]) => value !== null);
  return { id, ...(Object.fromEntries(told) as Omit<GoldenCustomer, 'id'>) };
}
