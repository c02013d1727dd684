import { dateOf, gmt, second, zulu, type Moment } from './calendar.ts';
import { json, type Delivery } from './delivery.ts';
import { decimal, sum, taxWithin } from './money.ts';
import { lineTotal, type Buyer, type Order, type Profile, type Version } from './orders.ts';
import { typed, type Company } from './people.ts';
import type { Random } from './random.ts';

const source = '/default/sap.s4.beh/TLDEMO001';
const numberOf = (order: Order): string => String(4_000_000 + order.index);

/** OData V2: a day is midnight UTC, a moment says its zone, a time of day is a duration. */
const onDay = (at: Moment): string => `/Date(${Date.parse(dateOf(at))})/`;
const moment = (at: Moment): string => `/Date(${at}+0000)/`;
const timeOfDay = (at: Moment): string => {
  const [hours, minutes, seconds] = gmt(at).slice(11).split(':');
  return `PT${hours}H${minutes}M${seconds}S`;
};

const partner = (random: Random, buyer: Buyer, company: Company, profile: Profile) => {
  const { person } = profile;
  const first = buyer.profiles[0]?.at ?? profile.at;
  const later = profile.at > first;
  const phone = {
    PhoneNumber: typed(random, person.phone),
    InternationalPhoneNumber: person.phone,
    DestinationLocationCountry: 'CN',
    IsDefaultPhoneNumber: true,
  };
  return {
    BusinessPartner: buyer.key,
    Customer: buyer.key,
    BusinessPartnerCategory: '2',
    BusinessPartnerGrouping: 'BP02',
    BusinessPartnerFullName: company.name,
    BusinessPartnerName: company.name,
    OrganizationBPName1: company.name.slice(0, 40),
    OrganizationBPName2: '',
    SearchTerm1: company.name.slice(0, 4),
    Industry: company.industry,
    CorrespondenceLanguage: 'ZH',
    BusinessPartnerIsBlocked: false,
    IsMarkedForArchiving: false,
    CreationDate: onDay(Date.parse(gmt(first).slice(0, 10))),
    CreationTime: timeOfDay(first),
    LastChangeDate: later ? `/Date(${Date.parse(gmt(profile.at).slice(0, 10))})/` : null,
    LastChangeTime: later ? timeOfDay(profile.at) : 'PT00H00M00S',
    to_BusinessPartnerTax: [
      { BusinessPartner: buyer.key, BPTaxType: 'CN5', BPTaxNumber: company.registrationNumber, BPTaxLongNumber: '' },
    ],
    to_BusinessPartnerAddress: [
      {
        BusinessPartner: buyer.key,
        AddressID: `1${buyer.key}`,
        Country: 'CN',
        Region: person.place.provinceCode,
        CityName: person.place.city,
        District: person.place.district,
        StreetName: person.place.street.replace(/\d+号$/, ''),
        HouseNumber: /\d+号$/.exec(person.place.street)?.[0] ?? '',
        PostalCode: person.place.postcode,
        Language: 'ZH',
        to_EmailAddress: [
          { AddressID: `1${buyer.key}`, OrdinalNumber: '1', EmailAddress: person.email, IsDefaultEmailAddress: true },
        ],
        to_PhoneNumber: [],
        to_MobilePhoneNumber: [{ AddressID: `1${buyer.key}`, OrdinalNumber: '1', ...phone }],
      },
    ],
  };
};

const salesOrder = (order: Order, version: Version) => ({
  SalesOrder: numberOf(order),
  SalesOrderType: 'OR',
  SalesOrganization: '1310',
  DistributionChannel: '10',
  OrganizationDivision: '00',
  SoldToParty: order.buyer.key,
  CreationDate: onDay(order.placedAt),
  CreatedByUser: 'DEMO',
  LastChangeDate: onDay(version.at),
  LastChangeDateTime: moment(version.at),
  SalesOrderDate: onDay(order.placedAt),
  PricingDate: onDay(order.placedAt),
  PurchaseOrderByCustomer: `PO-${order.index}`,
  // An order comes to its net amount and the tax of its items.
  TotalNetAmount: decimal(version.total - sum(version.lines.map((line) => taxWithin(lineTotal(line))))),
  TransactionCurrency: 'CNY',
  OverallSDProcessStatus: version.fulfilled || version.cancelledAt ? 'C' : 'A',
  OverallDeliveryStatus: version.fulfilled ? 'C' : 'A',
  OverallSDDocumentRejectionSts: version.cancelledAt ? 'C' : 'A',
  to_Item: version.lines.map((line) => ({
    SalesOrder: numberOf(order),
    SalesOrderItem: String(line.number * 10),
    SalesOrderItemCategory: 'TAN',
    SalesOrderItemText: line.product.zh,
    Material: line.product.sku,
    RequestedQuantity: String(line.quantity),
    RequestedQuantityUnit: 'PC',
    NetAmount: decimal(lineTotal(line) - taxWithin(lineTotal(line))),
    TaxAmount: decimal(taxWithin(lineTotal(line))),
    TransactionCurrency: 'CNY',
    SalesDocumentRjcnReason: version.cancelledAt ? '00' : '',
  })),
});

/** Events with nothing but a key in them, and what a read then finds. */
export const sapDeliveries = (
  random: Random,
  buyers: readonly Buyer[],
  companies: ReadonlyMap<string, Company>,
  orders: readonly Order[],
): Delivery[] => {
  const deliveries: Delivery[] = [];
  const send = (
    object: 'BusinessPartner' | 'SalesOrder',
    event: 'Created' | 'Changed',
    key: string,
    at: Moment,
    shown: Record<string, unknown>,
  ) => {
    const ids = random.fork(`${object} ${key} ${deliveries.length}`);
    const attributes = {
      specversion: '1.0',
      type: `sap.s4.beh.${object.toLowerCase()}.v1.${object}.${event}.v1`,
      source,
      id: ids.uuid(),
      time: zulu(at),
    };
    const data = { [object]: key };
    // The event mesh sends structured messages; a classic queue behind it, binary ones.
    const binary = ids.chance(0.15);
    deliveries.push({
      connection: 'sap',
      at: at + 3 * second,
      body: binary ? json(data) : json({ ...attributes, datacontenttype: 'application/json', data }),
      headers: binary
        ? {
            'content-type': 'application/json',
            ...Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`ce-${name}`, value])),
          }
        : { 'content-type': 'application/cloudevents+json; charset=utf-8' },
      shows: { entity: `A_${object}`, key, object: shown, version: at },
    });
  };
  for (const buyer of buyers) {
    const company = companies.get(buyer.key);
    if (!company) continue;
    for (const [index, profile] of buyer.profiles.entries()) {
      const shown = partner(random.fork(`phone ${buyer.key}`), buyer, company, profile);
      send('BusinessPartner', index === 0 ? 'Created' : 'Changed', buyer.key, profile.at, shown);
    }
  }
  for (const order of orders) {
    for (const version of order.versions)
      send(
        'SalesOrder',
        version.cause === 'placed' ? 'Created' : 'Changed',
        numberOf(order),
        version.at,
        salesOrder(order, version),
      );
  }
  return deliveries;
};
