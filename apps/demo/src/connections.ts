import { createHash } from 'node:crypto';
import type { ConnectionPlan } from './delivery.ts';
import { tillMapping } from './till.ts';

export type TrafficOptions = { seed: number; orders: number; until: string };

const secretOf = (options: TrafficOptions, name: string, bytes = 24): Buffer =>
  createHash('sha256')
    .update(`throughline demo ${name} ${options.seed} ${options.orders} ${options.until}`)
    .digest()
    .subarray(0, bytes);

/** The default run has plain names; others say which they are, so that each has connections of its own. */
export const defaults: TrafficOptions = { seed: 1, orders: 600, until: '2026-11-01T00:00:00+08:00' };
const nameOf = (options: TrafficOptions, name: string): string => {
  const marks = [
    options.seed === defaults.seed ? '' : `seed ${options.seed}`,
    options.orders === defaults.orders ? '' : `${options.orders} orders`,
    Date.parse(options.until) === Date.parse(defaults.until) ? '' : `until ${options.until}`,
  ].filter(Boolean);
  return marks.length > 0 ? `${name} [${marks.join(', ')}]` : name;
};

export const connectionsOf = (options: TrafficOptions): ConnectionPlan[] => [
  {
    key: 'shopify',
    kind: 'shopify',
    name: nameOf(options, 'Demo: 北溪茶咖 (Shopify)'),
    secret: `shpss_${secretOf(options, 'shopify').toString('hex').slice(0, 32)}`,
  },
  {
    key: 'woocommerce',
    kind: 'woocommerce',
    name: nameOf(options, 'Demo: 云杉生活 (WooCommerce)'),
    secret: secretOf(options, 'woocommerce').toString('base64url'),
  },
  {
    key: 'sap',
    kind: 'sap',
    name: nameOf(options, 'Demo: ERP (SAP S/4HANA)'),
    token: secretOf(options, 'sap').toString('base64url'),
    readBack: { user: 'THROUGHLINE', password: secretOf(options, 'sap read-back').toString('base64url') },
  },
  {
    key: 'till',
    kind: 'json',
    name: nameOf(options, 'Demo: 门店收银 (JSON)'),
    secret: `whsec_${secretOf(options, 'till').toString('base64')}`,
    mapping: tillMapping,
  },
];
