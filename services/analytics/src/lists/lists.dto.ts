import { Allow, IsIn, IsOptional, IsString, Matches, MaxLength } from 'class-validator';

/** `GET /api/<plural>`: everything as text; what it says is read by `readListQuery`. */
export class ListQueryDto {
  @IsOptional() @IsString() q?: string;
  /** JSON */
  @IsOptional() @IsString() filter?: string;
  /** Names, `-` before those that go down, separated by commas. */
  @IsOptional() @IsString() sort?: string;
  @IsOptional() @IsString() limit?: string;
  @IsOptional() @IsString() cursor?: string;
  @IsOptional() @IsString() facets?: string;
  @IsOptional() @IsString() fields?: string;
}

/** `POST /api/<plural>/query`: the same; the filter as an object, names also as lists. */
export class ListQueryBody {
  @IsOptional() @IsString() q?: string;
  @Allow() filter?: unknown;
  @Allow() sort?: string | string[];
  @Allow() limit?: number | string;
  @IsOptional() @IsString() cursor?: string;
  @Allow() facets?: string | string[];
  @Allow() fields?: string | string[];
}

export class SearchQueryDto {
  @IsString() @MaxLength(500) q!: string;
  /** `customers,orders,deals,interactions`; all unless given. */
  @IsOptional() @IsString() types?: string;
  @IsOptional() @Matches(/^\d{1,3}$/) limit?: string;
  @IsOptional() @IsIn(['true', 'false']) archived?: 'true' | 'false';
}
