import { Injectable } from '@nestjs/common';
import {
  builtInPurposes,
  emptyLedger,
  ledgerOf,
  withPurpose,
  type ConsentPurpose,
  type ExportFormat,
  type FieldClass,
} from '@throughline/contracts';
import { Commands, notFound, plainTypes } from '@throughline/event-sourcing';
import { Kernel } from '@throughline/service';
import { OwnFields } from '../exports/own-fields.reader.ts';
import { customerConsent, type CustomerConsent } from '../search/customer-consent.view.ts';
import { detailsOf } from '../search/customer-document.view.ts';
import { customerProfile, recordOf, type CustomerProfile } from '../search/customer-profile.view.ts';
import { recordsBeside } from '../search/customer-records.reader.ts';
import { dealDocument } from '../search/deal-document.view.ts';
import { interactionDocument, interactionRecord } from '../search/interaction-document.view.ts';
import { orderDocument } from '../search/order-document.view.ts';
import { dimDeal } from '../star/dim-deal.view.ts';
import { timelineCustomers, timelineSales } from '../timeline/timeline.view.ts';
import { customerProvenance, type CustomerProvenance } from './customer-provenance.view.ts';
import { formSubmission } from './form-submission.view.ts';
import { exportsId, personalDataExports } from './personal-data-export.ts';
import { personalData, type Known, type Language, type PersonalData } from './personal-data.ts';
import { privacyDefinitions, type PrivacyDefinition } from './privacy-definitions.view.ts';
import { sourceNames, type SourceName } from './source-names.view.ts';

type Doc = Readonly<Record<string, unknown>>;

/** Gathers all that is known about a person, in any service, and records that somebody was told. */
@Injectable()
export class PersonalDataReader {
  constructor(
    private readonly kernel: Kernel,
    private readonly commands: Commands,
    private readonly ownFields: OwnFields,
  ) {}

  /** @throws Refusal `customer-not-found` */
  async export(customerId: string, format: ExportFormat, language: Language): Promise<PersonalData> {
    const records = await this.#recordsOf(customerId);
    await this.commands.execute(personalDataExports, exportsId(customerId), {
      type: 'RecordExport',
      customerId,
      format,
      language,
    });
    return personalData(await this.#known(customerId, records), language, new Date().toISOString());
  }

  /** The records that are this person. @throws Refusal `customer-not-found` */
  async #recordsOf(customerId: string): Promise<readonly string[]> {
    const records = (await recordsBeside(this.kernel.pool, [customerId])).get(customerId);
    if (!records) throw notFound('customer-not-found');
    return records.toSorted();
  }

  async #known(customerId: string, records: readonly string[]): Promise<Known> {
    const of = <Row extends object>(text: string) => this.#rows<Row>(text, [records]);
    const docs = async (text: string) => (await of<{ doc: Doc }>(text)).map(({ doc }) => doc);
    const [
      profiles,
      provenance,
      consents,
      definitions,
      own,
      names,
      forms,
      orders,
      deals,
      interactions,
      history,
      exports,
    ] = await Promise.all([
      of<CustomerProfile>(
        `select id, number, golden_id as "goldenId", rest from "${customerProfile.table}"
           where id = any($1::uuid[]) order by id`,
      ),
      of<CustomerProvenance>(
        `select record_id as "recordId", fields from "${customerProvenance.table}" where record_id = any($1::uuid[])`,
      ),
      of<CustomerConsent>(`select ledger from "${customerConsent.table}" where record_id = any($1::uuid[])`),
      this.#rows<PrivacyDefinition>(`select kind, definition from "${privacyDefinitions.table}" order by key`, []),
      this.ownFields.all(),
      this.#rows<SourceName>(`select id, name from "${sourceNames.table}"`, []),
      of<Known['forms'][number]>(
        `select form_id as "formId", at, page, utm, language from "${formSubmission.table}"
           where record_id = any($1::uuid[]) order by at, record_id`,
      ),
      docs(
        `select doc from "${orderDocument.table}" where doc->>'customerId' = any($1::text[]) and id in (
             select stream_id::text from "${timelineSales.table}" where customer_id = any($1::uuid[]))
           order by doc->>'placedAt', id`,
      ),
      docs(
        `select doc from "${dealDocument.table}" where id in (
             select deal_id::text from "${dimDeal.table}" where record_id = any($1::uuid[]))
           order by doc->>'createdAt', id`,
      ),
      docs(
        `select doc from "${interactionDocument.table}" where id in (
             select id::text from "${interactionRecord.table}" where customer_id = any($1::uuid[]))
           order by doc->>'startedAt', id`,
      ),
      of<Known['history'][number]>(
        `select at, type, stream_id as "recordId", actor, source, data from "${timelineCustomers.table}"
           where customer_id = any($1::uuid[]) order by at, id`,
      ),
      this.#exports(records),
    ]);
    const origins = new Map(provenance.map(({ recordId, fields }) => [recordId, fields]));
    const defined = <T>(kind: PrivacyDefinition['kind']) =>
      definitions.filter((one) => one.kind === kind).map(({ definition }) => definition as T);
    return {
      customerId,
      records: profiles.map(recordOf).map((record) => ({
        id: record.recordId,
        number: record.number,
        details: detailsOf([record]),
        externalIds: record.externalIds,
        createdAt: record.createdAt,
        origins: origins.get(record.recordId) ?? {},
      })),
      ledger: consents.length > 0 ? ledgerOf(consents.map(({ ledger }) => ledger)) : emptyLedger,
      purposes: defined<ConsentPurpose>('ConsentPurposeDefined').reduce(withPurpose, builtInPurposes),
      texts: defined('ConsentTextPublished'),
      classes: Object.fromEntries(
        defined<{ field: string; class: FieldClass }>('FieldClassed').map((one) => [one.field, one.class]),
      ),
      own,
      names: new Map(names.map(({ id, name }) => [id, name])),
      forms,
      orders,
      deals,
      interactions,
      history,
      exports,
    };
  }

  async #exports(records: readonly string[]): Promise<Known['exports']> {
    const loaded = await Promise.all(records.map((id) => this.commands.load(personalDataExports, exportsId(id))));
    return loaded
      .flatMap(({ events }) => events)
      .map(({ recordedAt: at, meta: { actor }, data }) => ({ at, actor, format: (data as { format: string }).format }));
  }

  async #rows<Row extends object>(text: string, values: unknown[]): Promise<Row[]> {
    return (await this.kernel.pool.query<Row>({ text, values, types: plainTypes })).rows;
  }
}
