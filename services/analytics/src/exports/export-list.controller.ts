import { Controller, Get, Query } from '@nestjs/common';
import { Answers } from '@throughline/service';
import { ExportList } from './export-list.view.ts';
import { ExportPage, ExportsQuery } from './export.dto.ts';

/** Which customers were taken out of the house as tables, and by whom. */
@Controller('exports')
export class ExportListController {
  constructor(private readonly exports: ExportList) {}

  @Get()
  @Answers(ExportPage)
  list(@Query() { cursor }: ExportsQuery) {
    return this.exports.page(cursor);
  }
}
