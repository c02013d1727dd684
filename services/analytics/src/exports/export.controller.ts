import { Body, Controller, Headers, HttpCode, Post } from '@nestjs/common';
import { AnswersFile, languageOf } from '@throughline/service';
import { exportColumns, tableOf } from './customer-export.reader.ts';
import { ExportBody } from './export.dto.ts';
import { Exports } from './exports.store.ts';
import { OwnFields } from './own-fields.reader.ts';

@Controller('customers/export')
export class ExportController {
  constructor(
    private readonly exports: Exports,
    private readonly ownFields: OwnFields,
  ) {}

  /** The whole list as a table that can be changed and imported again: each row with its record's id and version. */
  @Post()
  @HttpCode(200)
  @AnswersFile('text/csv')
  async export(@Body() body: ExportBody, @Headers('accept-language') accepted?: string) {
    const { format, language = languageOf(accepted), fields, asOf, ...selection } = body;
    const own = await this.ownFields.inUse();
    const columns = exportColumns(own, fields);
    const records = await this.exports.customers(selection, { format, columns }, asOf);
    return tableOf(columns, records, { format, language, own });
  }
}
