import { isErased, known, type FormEvent, type Instant } from '@throughline/contracts';
import { fold } from '@throughline/event-sourcing';
import { Column, Entity, PrimaryColumn } from 'typeorm';

/** Whence and when somebody filled in a form. Of who was erased nothing is left. */
@Entity()
export class FormSubmission {
  @PrimaryColumn('uuid') recordId!: string;
  @Column('uuid') formId!: string;
  @Column('timestamptz') at!: Instant;
  @Column({ type: 'json', nullable: true }) page!: string | null;
  @Column({ type: 'json', nullable: true }) utm!: Readonly<Record<string, string>> | null;
  @Column('text') language!: 'en' | 'zh';
}

export const formSubmission = fold<FormSubmission, FormEvent>(FormSubmission, {
  name: 'form_submission',
  version: 1,
  feed: 'gateway',
  key: (event) => event.stream.id,
  on: {
    FormSubmitted: (_, data, { occurredAt: at }) => {
      if (Object.values(data).some(isErased)) return [];
      const { customerId: recordId, formId, page, utm, language } = data;
      return [{ recordId, formId, at, page: known(page) ?? null, utm: known(utm) ?? null, language }];
    },
  },
});
