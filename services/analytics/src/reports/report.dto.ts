import { InstantText } from '@throughline/contracts';
import { IsInstant, Total, page } from '@throughline/service';
import { IsOptional, Matches } from 'class-validator';
import { Type } from 'typebox';

const text = Type.String();
const column = Type.Object({ name: text, type: text, label: text }, { title: 'ReportColumn' });
const described = { name: text, title: text, columns: Type.Array(column) };
export const Reports = page('Report', Type.Object(described, { title: 'ReportDescription' }), { total: Total });
export const ReportResult = Type.Object(
  { ...described, rows: Type.Array(Type.Record(text, Type.Unknown())), asOf: InstantText, position: text },
  { title: 'ReportResult' },
);

const day = /^\d{4}-\d{2}-\d{2}$/;

export class ReportQuery {
  /** First day, in the organisation's time zone. */
  @IsOptional()
  @Matches(day)
  from?: string;

  /** Last day, included. */
  @IsOptional()
  @Matches(day)
  to?: string;

  /** What had happened by then, as far as it is known today. */
  @IsOptional()
  @IsInstant()
  asOf?: string;
}
