import { Controller, Get, Headers, Param, Query } from '@nestjs/common';
import { invalid, notFound, type FieldError } from '@throughline/event-sourcing';
import { Answers, isRealDate, languageOf } from '@throughline/service';
import { customersBySource } from './customers-by-source.report.ts';
import { dataQuality } from './data-quality.report.ts';
import { funnel } from './funnel.report.ts';
import { ReportQuery, ReportResult, Reports as ReportPage } from './report.dto.ts';
import type { Report } from './report.query.ts';
import { Reports, type ReportFilter } from './reports.store.ts';
import { revenueByMonth } from './revenue-by-month.report.ts';
import { topCustomers } from './top-customers.report.ts';

const reports: readonly Report[] = [customersBySource, revenueByMonth, topCustomers, funnel, dataQuality];

@Controller('reports')
export class ReportController {
  constructor(private readonly reports: Reports) {}

  @Get()
  @Answers(ReportPage)
  list(@Headers('accept-language') language?: string) {
    const items = reports.map((report) => described(report, language));
    return { items, nextCursor: null, total: { value: items.length, exact: true } };
  }

  @Get(':name')
  @Answers(ReportResult)
  async run(@Param('name') name: string, @Query() query: ReportQuery, @Headers('accept-language') language?: string) {
    const report = reports.find((one) => one.name === name);
    if (!report) throw notFound('report-not-found');
    const { rows, asOf, position } = await this.reports.run(report, filterOf(query));
    return { ...described(report, language), rows, asOf, position };
  }
}

function described({ name, title, columns }: Report, acceptLanguage: string | undefined) {
  const language = languageOf(acceptLanguage);
  return {
    name,
    title: title[language],
    columns: columns.map((column) => ({ ...column, label: column.label[language] })),
  };
}

/** @throws Refusal `invalid-query` where a day does not exist, or the days end before they begin */
function filterOf({ from, to, asOf }: ReportQuery): ReportFilter {
  const errors: FieldError[] = [];
  const day = (path: string, given: string | undefined) => {
    if (given === undefined || isRealDate(given)) return given ?? null;
    errors.push({ path, code: 'impossible-date' });
    return null;
  };
  const filter = {
    from: day('from', from),
    to: day('to', to),
    asOf: asOf === undefined ? null : new Date(asOf.toUpperCase()).toISOString(),
  };
  if (filter.from && filter.to && filter.from > filter.to) errors.push({ path: 'to', code: 'not-allowed' });
  if (errors.length > 0) throw invalid('invalid-query', errors);
  return filter;
}
