import { Body, Controller, Get, Put, Query } from '@nestjs/common';
import { Commands } from '@throughline/event-sourcing';
import { Answers, ShapeError } from '@throughline/service';
import { ExchangeRate, ExchangeRatePage, ExchangeRatesQuery, SetExchangeRateDto } from './exchange-rate.dto.ts';
import { exchangeRate, exchangeRateId } from './exchange-rate.ts';
import { ExchangeRates } from './exchange-rates.view.ts';

@Controller('exchange-rates')
@Answers(ExchangeRate)
export class ExchangeRateController {
  constructor(
    private readonly commands: Commands,
    private readonly rates: ExchangeRates,
  ) {}

  @Put()
  async set(@Body() body: SetExchangeRateDto) {
    const id = exchangeRateId(body.currency, body.base);
    const done = await this.commands.execute(exchangeRate, id, { type: 'SetExchangeRate', ...body });
    return { ...done, fields: { ...body } };
  }

  @Get()
  @Answers(ExchangeRatePage)
  async list(@Query() { cursor = '0', limit = '50', ...which }: ExchangeRatesQuery) {
    const [from, many] = [Number(cursor), Number(limit)];
    if (many < 1 || many > 200) throw new ShapeError([{ path: 'limit', code: 'wrong-type' }]);
    const found = await this.rates.list(which, from, many + 1);
    const items = found.slice(0, many).map(({ currency, base, rate, date }) => ({ currency, base, rate, date }));
    return { items, nextCursor: found.length > many ? String(from + many) : null };
  }
}
