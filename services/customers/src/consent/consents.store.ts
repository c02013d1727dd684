import { Injectable } from '@nestjs/common';
import {
  emptyLedger,
  ledgerAfter,
  ledgerOf,
  permissionsOf,
  type ConsentEvent,
  type ConsentLedger,
  type ConsentPurpose,
  type Instant,
  type Permissions,
} from '@throughline/contracts';
import {
  Commands,
  Refusal,
  conflict,
  currentContext,
  derivedId,
  eventOf,
  newId,
  notFound,
} from '@throughline/event-sourcing';
import {
  Kernel,
  unsubscribeHeaders,
  unsubscribeLink,
  type AtQuery,
  type RecordAnswer,
  type Unsubscription,
} from '@throughline/service';
import { customer } from '../customer/customer.ts';
import { GoldenCustomers } from '../customer/golden-customers.store.ts';
import { checkPurpose, consent, consentId, type ConsentCommand } from './consent.ts';
import { consentPurposes, consentPurposesId } from './consent-purposes.ts';
import { checkText, consentText, consentTextId, textAlong, type ConsentText } from './consent-text.ts';
import type { GiveConsentDto } from './consent.dto.ts';
import { consentsShown } from './consents-shown.ts';

/** What was said about a record, with the version of its stream. */
type Ledger = { state: ConsentLedger; version: number; position: number };

/** Consents straight from their streams, always current, and what they are decided by: all that a customer's records say. */
@Injectable()
export class Consents {
  constructor(
    private readonly commands: Commands,
    private readonly customers: GoldenCustomers,
    private readonly kernel: Kernel,
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
    const ledgers = await this.#ledgersOf(customerId);
    const isGrouped = ledgers.size > 1;
    if (isGrouped) await this.#checkVersions([...ledgers.values()].map(({ version }) => version));
    const done = await this.commands.execute(consent, consentId(customerId), command, {
      rules: { purposes },
      body,
      anyVersion: isGrouped,
      ...(occurredAt !== undefined && { occurredAt: new Date(occurredAt).toISOString() }),
    });
    const now = new Date().toISOString();
    const objection = objectionOf(command, done.events);
    const others = objection ? await this.#onOthers(objection, ledgers, purposes) : [];
    return answerOf(new Map([...ledgers, [customerId, done], ...others]), purposes, now);
  }

  /** Should they turn out to be several people, none of them is to be written to because another one's record had the "no". */
  async #onOthers(
    objection: Objection,
    ledgers: ReadonlyMap<string, Ledger>,
    purposes: readonly ConsentPurpose[],
  ): Promise<[string, Ledger][]> {
    const { commandId } = currentContext();
    const others = [...ledgers.keys()].filter((id) => id !== objection.customerId);
    return Promise.all(
      others.map(async (customerId): Promise<[string, Ledger]> => {
        const own = commandId === undefined ? {} : { commandId: derivedId('objection', commandId, customerId) };
        const command = { ...objection, customerId };
        const options = { rules: { purposes }, anyVersion: true, occurredAt: objection.occurredAt, ...own };
        return [customerId, await this.commands.execute(consent, consentId(customerId), command, options)];
      }),
    );
  }

  /**
   * @param gatewayUrl where the gateway is reached from outside
   * @throws Refusal `customer-not-found`, `customer-erased`; `invalid-consent` where nobody defined the purpose
   */
  async link(what: Unsubscription, gatewayUrl: string): Promise<{ url: string; headers: Record<string, string> }> {
    await this.#checkCustomer(what.customerId);
    checkPurpose(what, { purposes: await this.purposes() });
    const url = unsubscribeLink(this.kernel.secrets, gatewayUrl, what);
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
    const at = new Date(asOf ?? knownAt ?? Date.now()).toISOString();
    return answerOf(await this.#ledgersOf(customerId, then), await this.purposes(), at);
  }

  /** What records of one customer said at any time, from before the first word to the last one that was recorded. */
  async permissionsEver(recordIds: readonly string[]): Promise<readonly Permissions[]> {
    const loaded = await this.commands.loadMany(consent, recordIds.map(consentId));
    const words = [...loaded.values()].flatMap(({ events }) => events).toSorted((a, b) => a.position - b.position);
    let ledger = emptyLedger;
    const ledgers = words.map((word) => (ledger = ledgerAfter(ledger, eventOf(word) as ConsentEvent)));
    return [emptyLedger, ...ledgers].map(permissionsOf);
  }

  /** Of each record of the customer, the one that answers for it first; one that is not there yet stands alone. */
  async #ledgersOf(customerId: string, then: Pick<AtQuery, 'knownAt'> = {}): Promise<ReadonlyMap<string, Ledger>> {
    const group = await this.customers.find(customerId, then);
    const ids = group?.map(({ id }) => id) ?? [customerId];
    const loaded = await this.commands.loadMany(consent, ids.map(consentId), then);
    return new Map(ids.map((id) => [id, loaded.get(consentId(id)) as Ledger]));
  }

  /** @throws Refusal `record-changed` where the caller saw the ledgers at others, unless the command is a repeat */
  async #checkVersions(versions: readonly number[]): Promise<void> {
    const { ifMatch, commandId } = currentContext();
    if (ifMatch === undefined || ifMatch.join() === versions.join()) return;
    if ((await this.commands.settled(commandId === undefined ? [] : [commandId])).size > 0) return;
    throw new Refusal('precondition', 'record-changed', { conflicts: [] });
  }

  /** @throws Refusal */
  async #checkCustomer(customerId: string): Promise<void> {
    const { state } = await this.commands.load(customer, customerId);
    if (state.status === 'none') throw notFound('customer-not-found');
    if (state.status === 'erased') throw conflict('customer-erased');
  }
}

type Objection = Extract<ConsentCommand, { type: 'WithdrawConsent' | 'ForbidContact' }> & { occurredAt: Instant };

/** What is said against being written to, and when; undefined of everything else. */
function objectionOf(command: ConsentCommand, [event]: readonly ConsentEvent[]): Objection | undefined {
  if (command.type !== 'WithdrawConsent' && command.type !== 'ForbidContact') return undefined;
  const said = event && ('withdrawnAt' in event ? event.withdrawnAt : 'forbiddenAt' in event && event.forbiddenAt);
  return { ...command, occurredAt: new Date(said || (command.occurredAt ?? Date.now())).toISOString() };
}

const wholeOf = (ledgers: ReadonlyMap<string, Ledger>): ConsentLedger =>
  ledgerOf([...ledgers.values()].map(({ state }) => state));

/** @param ledgers record -> its own, the one that answers for the customer first */
function answerOf(ledgers: ReadonlyMap<string, Ledger>, purposes: readonly ConsentPurpose[], at: string): RecordAnswer {
  const versions = [...ledgers.values()].map(({ version }) => version);
  const [customerId = ''] = ledgers.keys();
  return {
    id: consentId(customerId),
    version: versions[0] ?? 0,
    position: Math.max(...[...ledgers.values()].map(({ position }) => position)),
    fields: { customerId, ...consentsShown(wholeOf(ledgers), purposes, at) },
    ...(versions.length > 1 && { versions }),
  };
}
