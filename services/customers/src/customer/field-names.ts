import type { CustomerField } from '@throughline/contracts';

/** An event cannot have a field called `type`. */
export const inEvents = (field: string) => (field === 'type' ? 'customerType' : field) as CustomerField;
/** As callers name it. */
export const shown = (field: string) => (field === 'customerType' ? 'type' : field);
