import { batchEvents } from './batches.ts';
import { careEvents, careSettingsEvents } from './care.ts';
import { consentConfigurationEvents, consentEvents } from './consent.ts';
import { customerEvents } from './customers.ts';
import { duplicateEvents } from './duplicates.ts';
import { erasureEvents, forgettingEvents } from './erasure.ts';
import type { EventDefinitions } from './event.ts';
import { exportEvents } from './exports.ts';
import { fieldClassEvents } from './field-classes.ts';
import { fieldEvents } from './fields.ts';
import { gatewayEvents } from './gateway.ts';
import { importEvents } from './imports.ts';
import { interactionEvents } from './interactions.ts';
import { lifecycleEvents } from './lifecycle.ts';
import { privacyEvents } from './privacy.ts';
import { ruleSetEvents } from './rules.ts';
import { salesEvents } from './sales.ts';
import { survivorshipEvents } from './survivorship.ts';
import { tagEvents } from './tags.ts';

export const services = ['gateway', 'customers', 'interactions', 'sales', 'analytics'] as const;
export type ServiceName = (typeof services)[number];

/** The dictionary of every service that publishes events. */
export const dictionary = {
  gateway: { ...gatewayEvents, ...forgettingEvents },
  customers: {
    ...customerEvents,
    ...batchEvents,
    ...importEvents,
    ...consentEvents,
    ...consentConfigurationEvents,
    ...fieldClassEvents,
    ...lifecycleEvents,
    ...ruleSetEvents,
    ...careEvents,
    ...careSettingsEvents,
    ...duplicateEvents,
    ...survivorshipEvents,
    ...fieldEvents,
    ...tagEvents,
    ...erasureEvents,
    ...forgettingEvents,
  },
  interactions: { ...interactionEvents, ...forgettingEvents },
  sales: { ...salesEvents, ...forgettingEvents },
  analytics: { ...privacyEvents, ...exportEvents, ...forgettingEvents },
} as const satisfies Record<ServiceName, EventDefinitions>;

/** The topic that carries a copy of a service's log. */
export const topicOf = (service: ServiceName): string => `crm.${service}.v1`;

/** CloudEvents type of an event, for example `crm.sales.DealWon.v1`. */
export const cloudEventType = (service: ServiceName, type: string, schemaVersion: number): string =>
  `crm.${service}.${type}.v${schemaVersion}`;
