import {
  Bilingual,
  DateText,
  InstantText,
  OneOf,
  Uuid,
  consentConfigurationEvents,
  consentWays,
  contactChannels,
  lawfulBases,
  type ConsentWay,
  type ContactChannel,
  type LawfulBasis,
} from '@throughline/contracts';
import { IsDateText, IsInstant, orNull, page, record } from '@throughline/service';
import { Type as Nested } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsNotEmpty,
  IsObject,
  IsOptional,
  IsString,
  Matches,
  MaxLength,
  MinLength,
  ValidateNested,
} from 'class-validator';
import { Type } from 'typebox';

const text = Type.String();
const entry = {
  kind: OneOf(['given', 'withdrawn'] as const),
  at: InstantText,
  how: OneOf(consentWays),
  reference: Type.Optional(text),
  basis: Type.Optional(OneOf(lawfulBases)),
  textVersion: Type.Optional(text),
  language: Type.Optional(text),
  page: Type.Optional(text),
  expiresOn: Type.Optional(DateText),
  expired: Type.Optional(Type.Boolean()),
};
const shown = Type.Object(
  {
    ...Type.Partial(Type.Object(entry)).properties,
    purpose: text,
    channel: orNull(OneOf(contactChannels)),
    state: OneOf(['given', 'withdrawn', 'expired', 'none'] as const),
  },
  { title: 'Consent' },
);
const said = Type.Object(
  { ...entry, purpose: text, channel: Type.Optional(OneOf(contactChannels)) },
  { title: 'ConsentEntry' },
);
export const Consents = record('Consents', {
  customerId: Uuid,
  doNotContact: orNull(Type.Object({ since: InstantText, how: OneOf(consentWays) })),
  consents: Type.Array(shown),
  history: Type.Array(said),
});

const purposeFields = consentConfigurationEvents.ConsentPurposeDefined.data.properties;
export const ConsentPurpose = Type.Object(
  { ...purposeFields, label: Type.Object(Bilingual.properties, { title: 'Bilingual' }) },
  { title: 'ConsentPurpose' },
);
export const ConsentPurposes = page('ConsentPurpose', ConsentPurpose);
export const ConsentText = Type.Object(consentConfigurationEvents.ConsentTextPublished.data.properties, {
  title: 'ConsentText',
});
export const ConsentTexts = page('ConsentText', ConsentText);

export const UnsubscribeLink = Type.Object(
  {
    url: Type.String({ description: 'Below the public address of the installation, or else the one that was asked.' }),
    headers: Type.Record(text, text, { description: 'For the message: its program then shows a button.' }),
  },
  { title: 'UnsubscribeLink' },
);

const purposeKey = /^[a-z][a-z0-9-]{0,49}$/;
const languageTag = /^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}$/;

class ProofDto {
  @IsIn(consentWays) how!: ConsentWay;
  /** Number of the form, of the call, of the batch. */
  @IsOptional() @IsString() @MaxLength(500) reference?: string;
  @IsOptional() @IsString() @MaxLength(2_000) page?: string;
}

export class GiveConsentDto {
  @IsString() @Matches(purposeKey) purpose!: string;
  /** Every channel unless given. */
  @IsOptional() @IsIn(contactChannels) channel?: ContactChannel;
  @IsIn(lawfulBases) basis!: LawfulBasis;
  @IsOptional() @IsString() @MinLength(1) @MaxLength(100) textVersion?: string;
  /** Kept with the first consent that brings it; another one under the same version is refused. */
  @IsOptional() @IsString() @MinLength(1) @MaxLength(50_000) text?: string;
  @IsOptional() @Matches(languageTag) language?: string;
  @IsObject() @ValidateNested() @Nested(() => ProofDto) proof!: ProofDto;
  /** When it was given, where that is not now. */
  @IsOptional() @IsInstant() occurredAt?: string;
  /** The last day, UTC, on which it holds. */
  @IsOptional() @IsDateText() expiresOn?: string;
}

export class SaidDto {
  @IsIn(consentWays) how!: ConsentWay;
  @IsOptional() @IsInstant() occurredAt?: string;
}

export class WithdrawConsentDto extends SaidDto {
  @IsString() @Matches(purposeKey) purpose!: string;
  /** Every channel unless given. */
  @IsOptional() @IsIn(contactChannels) channel?: ContactChannel;
  @IsOptional() @IsString() @MaxLength(500) reference?: string;
}

export class UnsubscribeLinkQuery {
  @IsString() @Matches(purposeKey) purpose!: string;
  /** Every channel unless given. */
  @IsOptional() @IsIn(contactChannels) channel?: ContactChannel;
}

class BilingualDto {
  @IsString() @IsNotEmpty() @MaxLength(2_000) zh!: string;
  @IsString() @IsNotEmpty() @MaxLength(2_000) en!: string;
}

export class DefineConsentPurposeDto {
  @IsObject() @ValidateNested() @Nested(() => BilingualDto) label!: BilingualDto;
  @IsOptional() @IsObject() @ValidateNested() @Nested(() => BilingualDto) description?: BilingualDto;
  /** Empty where nobody is contacted for it. */
  @IsArray() @ArrayMaxSize(20) @IsIn(contactChannels, { each: true }) channels!: ContactChannel[];
  @IsBoolean() marketing!: boolean;
}

export class PublishConsentTextDto {
  @IsString() @MinLength(1) @MaxLength(100) textVersion!: string;
  @Matches(languageTag) language!: string;
  @IsString() @MinLength(1) @MaxLength(50_000) text!: string;
}

export class ConsentTextsQuery {
  @IsOptional() @IsString() @MaxLength(100) textVersion?: string;
  @IsOptional() @Matches(languageTag) language?: string;
}

export class PurposeKey {
  @Matches(purposeKey) key!: string;
}
