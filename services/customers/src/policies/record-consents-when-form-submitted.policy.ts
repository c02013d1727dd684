import { Controller } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { isErased, known, type ContactChannel, type FormEvent, type RecordedOf } from '@throughline/contracts';
import { Refusal } from '@throughline/event-sourcing';
import { Log, type PolicyPattern } from '@throughline/service';
import type { ConsentCommand } from '../consent/consent.ts';
import { Consents } from '../consent/consents.store.ts';

type FormSubmitted = RecordedOf<Extract<FormEvent, { type: 'FormSubmitted' }>>;

/**
 * What the person agreed to, as consents of their record: given when the form was sent, with its page for proof. The text
 * is the form's own, in its history: so its version says which form, lest it be taken for one that was published here. Of
 * who was erased since nothing is left to be recorded.
 */
export function react({ data, occurredAt }: Pick<FormSubmitted, 'data' | 'occurredAt'>): ConsentCommand[] {
  if (Object.values(data).some(isErased)) return [];
  const page = known(data.page);
  return (data.consents ?? []).map(({ purpose, channel, textVersion, language }) => ({
    type: 'GiveConsent',
    customerId: data.customerId,
    purpose,
    // The ledger says which channels there are.
    ...(channel !== undefined && { channel: channel as ContactChannel }),
    basis: 'consent',
    textVersion: `${data.formId}/${textVersion}`,
    language,
    how: 'form',
    ...(page !== undefined && { page }),
    occurredAt,
  }));
}

const on: PolicyPattern = {
  policy: 'record-consents-when-form-submitted',
  event: 'FormSubmitted',
  from: 'beginning',
  entry: 'form',
};

@Controller()
export class RecordConsentsWhenFormSubmitted {
  constructor(
    private readonly consents: Consents,
    private readonly log: Log,
  ) {}

  /** A form may name what the ledger does not know. The submission still has it, so the others are recorded, and it is logged. */
  @EventPattern(on)
  async submitted(@Payload() event: FormSubmitted) {
    for (const command of react(event)) {
      try {
        await this.consents.executeOfForm(command);
      } catch (error) {
        if (!(error instanceof Refusal && error.code === 'invalid-consent')) throw error;
        const { formId, customerId } = event.data;
        this.log.warn('consent of a form was not recorded', { formId, customerId, errors: error.errors });
      }
    }
  }
}
