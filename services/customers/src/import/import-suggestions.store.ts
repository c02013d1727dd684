import { Injectable } from '@nestjs/common';
import type { DateOrder } from '@throughline/tables';
import { OrganisationTime } from '../care/organisation.view.ts';
import { CurrentRules } from '../customer/customer-rules.store.ts';
import type { ImportField } from './import-fields.ts';
import { ImportFiles } from './import-files.store.ts';
import { Imports } from './import-list.view.ts';
import { losesIds, suggestedMapping, type ImportMapping } from './import-mapping.ts';
import { dateOrderOf, headerRowBelow } from './import-table.ts';
import type { Import } from './import.ts';

/** `chosenBefore`: the order of dates that somebody chose for a file of this header; `shown`: that its own dates show. */
type Suggested = { mapping: ImportMapping; chosenBefore: DateOrder | undefined; shown: DateOrder | undefined };

/** What the columns of an uploaded file are likely to mean. */
@Injectable()
export class ImportSuggestions {
  constructor(
    private readonly imports: Imports,
    private readonly files: ImportFiles,
    private readonly time: OrganisationTime,
    private readonly current: CurrentRules,
  ) {}

  /** As a file of its header was mapped last, or else by the names of its columns. */
  async of(state: Import, fields: readonly ImportField[]): Promise<ImportMapping> {
    return (await this.#suggested(state, fields)).mapping;
  }

  /** The row that the table is likely to begin with, where that is another one. */
  async headerRow({ file, reading }: Import): Promise<number | undefined> {
    return file && reading && headerRowBelow(reading, await this.files.sample(file.fileId));
  }

  /** With the zone of its times, whatever the organisation's will be; and whether the order of its dates is somebody's word. */
  async completed(
    state: Import,
    fields: readonly ImportField[],
    mapping: ImportMapping,
  ): Promise<{ mapping: ImportMapping; isDateOrderChosen: boolean }> {
    const { dateOrder, timeZone } = mapping;
    const { chosenBefore, shown } = await this.#suggested(state, fields);
    return {
      mapping: { ...mapping, timeZone: timeZone ?? (await this.time.zone()) },
      isDateOrderChosen: dateOrder !== undefined && (dateOrder === chosenBefore || dateOrder !== shown),
    };
  }

  async #suggested({ file, reading }: Import, fields: readonly ImportField[]): Promise<Suggested> {
    const header = reading?.header ?? [];
    const last = reading && ((await this.imports.mappedBefore(reading.fingerprint)) as ImportMapping | undefined);
    // One from a time when that was not refused.
    const before = last && !losesIds(last) ? await this.#withoutRetired(last) : undefined;
    const named = before ?? suggestedMapping(header, fields);
    const sample = file ? await this.files.sample(file.fileId) : [];
    const shown = dateOrderOf(header, sample, named.columns, fields);
    const timeZone = before?.timeZone ?? (await this.time.zone());
    const mapping = { ...(shown && { dateOrder: shown }), ...named, timeZone };
    return { mapping, chosenBefore: before?.dateOrder, shown };
  }

  /** Some of its fields may have been retired since. */
  async #withoutRetired(mapping: ImportMapping): Promise<ImportMapping> {
    const { fields } = (await this.current.read()).rules.fieldSet;
    const retired = new Set(Object.values(fields).flatMap((field) => (field.retired ? [`custom.${field.key}`] : [])));
    return { ...mapping, columns: mapping.columns.filter(({ field }) => !retired.has(field)) };
  }
}
