import { Injectable } from '@nestjs/common';
import type { ConsentLedger, ConsentPurpose } from '@throughline/contracts';
import { Commands, conflict, newId, notFound } from '@throughline/event-sourcing';
import {
  Kernel,
  ServiceConfig,
  unsubscribeHeaders,
  unsubscribeLink,
  type AtQuery,
  type RecordAnswer,
  type Unsubscription,
} from '@throughline/service';
import { customer } from '../customer/customer.ts';
import { checkPurpose, consent, consentId, type ConsentCommand } from './consent.ts';
import { consentPurposes, consentPurposesId } from './consent-purposes.ts';
import { checkText, consentText, consentTextId, textAlong, type ConsentText } from './consent-text.ts';
import type { GiveConsentDto } from './consent.dto.ts';
import { consentsShown } from './consents-shown.ts';

/** Consents straight from their streams, always current, and what they are decided by. */
@Injectable()
export class Consents {
  constructor(
    private readonly commands: Commands,
    private readonly kernel: Kernel,
    private readonly config: ServiceConfig,
  ) {}

  async purposes(): Promise<readonly ConsentPurpose[]> {
    return (await this.commands.load(consentPurposes, consentPurposesId)).state;
  }

  async texts(purpose: string): Promise<readonly ConsentText[]> {
    return (await this.commands.load(consentText, consentTextId(purpose))).state;
  }

  /** @throws Refusal as `execute` does; `consent-text-differs` where that version says something else */
  async give(customerId: string, body: GiveConsentDto): Promise<RecordAnswer> {
    const { proof, text: _, ...given } = body;
    const text = textAlong(body);
    if (text) checkText(await this.texts(text.purpose), text);
    const answer = await this.execute({ type: 'GiveConsent', customerId, ...given, ...proof }, body);
    // Afterwards, so that a refused consent leaves no text behind.
    if (text) await this.publish(text);
    return answer;
  }

  /** @throws Refusal `customer-not-found`, `customer-erased`; what the decider refuses */
  async execute(command: ConsentCommand, body: unknown): Promise<RecordAnswer> {
    await this.#checkCustomer(command.customerId);
    return this.#execute(command, body);
  }

  /**
   * As `execute`, of what a form brought along with its customer: the record may still be on its way. Who was erased
   * meanwhile has no consents any more.
   */
  async executeOfForm(command: ConsentCommand): Promise<void> {
    const { state } = await this.commands.load(customer, command.customerId);
    if (state.status !== 'erased') await this.#execute(command, command);
  }

  async #execute(command: ConsentCommand, body: unknown): Promise<RecordAnswer> {
    const { customerId } = command;
    const occurredAt = 'occurredAt' in command ? command.occurredAt : undefined;
    const purposes = await this.purposes();
    const done = await this.commands.execute(consent, consentId(customerId), command, {
      rules: { purposes },
      body,
      ...(occurredAt !== undefined && { occurredAt: new Date(occurredAt).toISOString() }),
    });
    return answerOf(customerId, done, purposes, new Date().toISOString());
  }

  /** @throws Refusal `customer-not-found`, `customer-erased`; `invalid-consent` where nobody defined the purpose */
  async link(what: Unsubscription): Promise<{ url: string; headers: Record<string, string> }> {
    await this.#checkCustomer(what.customerId);
    checkPurpose(what, { purposes: await this.purposes() });
    const url = unsubscribeLink(this.kernel.secrets, this.config.publicUrl, what);
    return { url, headers: unsubscribeHeaders(url) };
  }

  /** Notes that the last day of consents is over, where they did not end otherwise. */
  async expire(end: Omit<Extract<ConsentCommand, { type: 'ExpireConsent' }>, 'type'>): Promise<void> {
    const command = { type: 'ExpireConsent' as const, ...end };
    const rules = { purposes: await this.purposes() };
    await this.commands.execute(consent, consentId(end.customerId), command, { rules });
  }

  /** @throws Refusal `consent-text-differs` where that version says something else */
  async publish(text: ConsentText): Promise<void> {
    const command = { type: 'PublishConsentText' as const, ...text };
    // The request's own id is that of the consent; to publish the same once more changes nothing.
    const options = { rules: { purposes: await this.purposes() }, commandId: newId() };
    await this.commands.execute(consentText, consentTextId(text.purpose), command, options);
  }

  /** @throws Refusal `customer-not-found` */
  async read(customerId: string, { asOf, knownAt }: AtQuery): Promise<RecordAnswer> {
    if (!(await this.commands.exists(customer.category, customerId))) throw notFound('customer-not-found');
    const then = knownAt === undefined ? {} : { knownAt: new Date(knownAt).toISOString() };
    const loaded = await this.commands.load(consent, consentId(customerId), then);
    const at = new Date(asOf ?? knownAt ?? Date.now()).toISOString();
    return answerOf(customerId, loaded, await this.purposes(), at);
  }

  /** @throws Refusal */
  async #checkCustomer(customerId: string): Promise<void> {
    const { state } = await this.commands.load(customer, customerId);
    if (state.status === 'none') throw notFound('customer-not-found');
    if (state.status === 'erased') throw conflict('customer-erased');
  }
}

function answerOf(
  customerId: string,
  { state, version, position }: { state: ConsentLedger; version: number; position: number },
  purposes: readonly ConsentPurpose[],
  at: string,
): RecordAnswer {
  const fields = { customerId, ...consentsShown(state, purposes, at) };
  return { id: consentId(customerId), version, position, fields };
}
