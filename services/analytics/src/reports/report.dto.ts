import { IsISO8601, IsOptional, Matches } from 'class-validator';

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
  @IsISO8601({ strict: true, strictSeparator: true })
  asOf?: string;
}
