import { isDeepStrictEqual } from 'node:util';
import { customerFieldNames, known, type Actor, type CustomerEvent, type Instant } from '@throughline/contracts';
import { fold } from '@throughline/event-sourcing';
import { Column, Entity, PrimaryColumn } from 'typeorm';

export type Provenance = {
  /** When the source said it, or when it was entered. */
  at: Instant;
  recordedAt: Instant;
  actor: Actor;
  /** `web`, `api`, a connection's id, a policy's name. */
  source: string;
};

/** Where each field of a record comes from; the installation's own fields one by one, as `custom.<name>`. */
@Entity()
export class CustomerProvenance {
  @PrimaryColumn('uuid') recordId!: string;
  @Column('json') fields!: Readonly<Record<string, Provenance>>;
  /** What the own fields say, to tell which of them an event changed. */
  @Column('json') custom!: Readonly<Record<string, unknown>>;
}

type Told = {
  stream: { id: string };
  effectiveAt: Instant;
  recordedAt: Instant;
  meta: { actor: Actor; source: string };
};

function withFields([before]: readonly CustomerProvenance[], data: object, event: Told): CustomerProvenance[] {
  const { stream, effectiveAt: at, recordedAt, meta } = event;
  const here: Provenance = { at, recordedAt, actor: meta.actor, source: meta.source };
  const fields: Record<string, Provenance> = { ...before?.fields };
  let custom = before?.custom ?? {};
  const set = (field: string, isThere: boolean) => {
    if (isThere) fields[field] = here;
    else delete fields[field];
  };
  for (const name of customerFieldNames) {
    if (!(name in data)) continue;
    const value = known((data as Record<string, unknown>)[name]);
    if (name === 'custom') {
      const own = (value ?? {}) as Record<string, unknown>;
      for (const key of new Set([...Object.keys(custom), ...Object.keys(own)])) {
        if (!isDeepStrictEqual(custom[key], own[key]))
          set(`custom.${key}`, Object.hasOwn(own, key) && own[key] !== null);
      }
      custom = own;
    } else set(name === 'customerType' ? 'type' : name, value !== undefined);
  }
  return [{ recordId: stream.id, fields, custom }];
}

export const customerProvenance = fold<CustomerProvenance, CustomerEvent>(CustomerProvenance, {
  name: 'customer_provenance',
  version: 1,
  feed: 'customers',
  key: (event) => event.stream.id,
  on: {
    CustomerCreated: withFields,
    CustomerDetailsChanged: withFields,
  },
});
