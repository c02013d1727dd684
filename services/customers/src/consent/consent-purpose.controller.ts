import { Body, Controller, Get, HttpCode, Param, Post, Put, Query } from '@nestjs/common';
import { Commands } from '@throughline/event-sourcing';
import { Answers } from '@throughline/service';
import { consentPurposes, consentPurposesId } from './consent-purposes.ts';
import {
  ConsentPurpose,
  ConsentPurposes,
  ConsentText,
  ConsentTexts,
  ConsentTextsQuery,
  DefineConsentPurposeDto,
  PublishConsentTextDto,
  PurposeKey,
} from './consent.dto.ts';
import { Consents } from './consents.store.ts';

/** What consents are for, and the texts that people agree to. */
@Controller('consent-purposes')
export class ConsentPurposeController {
  constructor(
    private readonly commands: Commands,
    private readonly consents: Consents,
  ) {}

  @Get()
  @Answers(ConsentPurposes)
  async list() {
    return { items: await this.consents.purposes(), nextCursor: null };
  }

  @Put(':key')
  @Answers(ConsentPurpose)
  async define(@Param() { key }: PurposeKey, @Body() body: DefineConsentPurposeDto) {
    const command = { type: 'DefineConsentPurpose' as const, key, ...body };
    const { state } = await this.commands.execute(consentPurposes, consentPurposesId, command);
    return state.find((purpose) => purpose.key === key);
  }

  @Get(':key/texts')
  @Answers(ConsentTexts)
  async texts(@Param() { key }: PurposeKey, @Query() { textVersion, language }: ConsentTextsQuery) {
    const texts = await this.consents.texts(key);
    const items = texts.filter(
      (text) =>
        (textVersion === undefined || text.textVersion === textVersion) &&
        (language === undefined || text.language === language),
    );
    return { items, nextCursor: null };
  }

  @Post(':key/texts')
  @HttpCode(200)
  @Answers(ConsentText)
  async publish(@Param() { key: purpose }: PurposeKey, @Body() body: PublishConsentTextDto) {
    await this.consents.publish({ purpose, ...body });
    return { purpose, ...body };
  }
}
