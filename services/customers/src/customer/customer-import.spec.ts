import { describe, it } from '@jest/globals';
import type { Address, CustomerEvent } from '@throughline/contracts';
import { scenario } from '@throughline/event-sourcing/scenario';
import type { ImportPolicy } from './customer-import.ts';
import { builtInRules } from './customer-rules.ts';
import { customer } from './customer.ts';

const given = scenario(customer, { rules: builtInRules, entry: 'import' });
const created = (...addresses: Address[]): CustomerEvent => ({
  type: 'CustomerCreated',
  number: 'C-1',
  name: '王伟',
  region: '华南',
  addresses,
  emailsReserved: false,
});
const row = (policy: ImportPolicy | undefined, ...addresses: Address[]) => ({
  type: 'ImportCustomer' as const,
  number: '',
  mode: 'update' as const,
  row: { addresses },
  policies: policy ? { addresses: policy } : {},
});
const changed = (...addresses: Address[]): CustomerEvent => ({
  type: 'CustomerDetailsChanged',
  addresses,
  emailsReserved: false,
});

const nanshan = {
  province: '广东省',
  city: '深圳市',
  district: '南山区',
  street: '科技园1号',
  regionCode: '440305',
  label: '公司',
  primary: true,
};
const home = { province: '浙江省', city: '杭州市', street: '龙井路2号', regionCode: '330100', label: '家' };

describe('an address in an import', () => {
  it('that is named in part completes and changes the primary one', () => {
    given(created(home, nanshan))
      .when(row(undefined, { postcode: '518000' }))
      .then(changed(home, { ...nanshan, postcode: '518000' }));
    given(created(nanshan))
      .when(row('overwrite', { street: '科技园9号' }))
      .then(changed({ ...nanshan, street: '科技园9号' }));
  });
  it('that is named in part with a label completes the one of that label, or stands for itself', () => {
    given(created(home, nanshan))
      .when(row(undefined, { postcode: '310000', label: '家' }))
      .then(changed({ ...home, postcode: '310000' }, nanshan));
    given(created(nanshan))
      .when(row(undefined, { postcode: '310000', label: '家' }))
      .then(changed(nanshan, { postcode: '310000', label: '家' }));
  });
  it('fills only what is empty where the policy says so', () => {
    given(created(nanshan))
      .when(row('if-empty', { street: '科技园9号', postcode: '518000' }))
      .then(changed({ ...nanshan, postcode: '518000' }));
    given(created(nanshan))
      .when(row('if-empty', { ...home }))
      .thenNothing();
    given(created(nanshan))
      .when(row('never', { postcode: '518000' }))
      .thenNothing();
  });
  it('is not added where it is there under other names', () => {
    const named = { province: '广东', city: '深圳', district: '南山', street: '科技园 1号' };
    given(created(nanshan)).when(row(undefined, named)).thenNothing();
    given(created(nanshan))
      .when(row(undefined, { ...named, country: '中国', postcode: '518000' }))
      .then(changed({ ...nanshan, country: '中国', postcode: '518000' }));
    const london = { country: 'GB', city: 'London', street: '221b Baker Street' };
    given(created(london))
      .when(row(undefined, { city: 'LONDON', street: '221B Baker  Street', postcode: 'NW1 6XE' }))
      .then(changed({ ...london, postcode: 'NW1 6XE' }));
  });
  it('that is another one is added, or replaces those that are there', () => {
    const other = { province: '广东省', city: '深圳市', street: '科技园1号', regionCode: '440300' };
    given(created(nanshan)).when(row(undefined, home)).then(changed(nanshan, home));
    given(created(nanshan)).when(row('overwrite', home)).then(changed(home));
    given(created(home)).when(row('if-empty', other)).thenNothing();
  });
  it('loses the code of divisions that change', () => {
    given(created(nanshan))
      .when(row(undefined, { city: '广州', district: '天河' }))
      .then({
        ...changed({ ...nanshan, city: '广州', district: '天河', regionCode: '440106' }),
        corrections: [{ path: 'addresses.0', rule: 'region-code', from: {}, to: { regionCode: '440106' } }],
      } as CustomerEvent);
  });
});

describe('a row of a table that was written here', () => {
  const seen: CustomerEvent = {
    type: 'CustomerCreated',
    number: 'C-1',
    name: '王伟',
    phones: [{ value: '0755-26770000', e164: '+8675526770000' }],
    region: '广东省',
    addresses: [{ province: '广东省', city: '深圳市', regionCode: '440300' }],
    inferred: ['region', 'addresses'].map((field) => ({ field, rule: 'region-from-area-code' })),
    emailsReserved: false,
  };
  const update = { ...row(undefined), policies: {} };
  it('makes nothing that was inferred somebody’s word', () => {
    const shown = { region: '广东省', addresses: [{ province: '广东省', city: '深圳市', regionCode: '440300' }] };
    given(seen)
      .when({ ...update, row: { name: '王伟', ...shown } })
      .thenNothing();
  });
});
