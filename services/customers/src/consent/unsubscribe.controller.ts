import { Controller, Get, Headers, HttpCode, Param, Post, Res } from '@nestjs/common';
import { Refusal, runInContext, systemContext } from '@throughline/event-sourcing';
import { Kernel, languageOf, unsubscriptionOf, type Unsubscription } from '@throughline/service';
import type { FastifyReply } from 'fastify';
import { Consents } from './consents.store.ts';
import { askingPage, donePage, unknownPage } from './unsubscribe-page.ts';

/** Nothing is loaded, nothing is run, and the form goes nowhere else. */
const policy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'";

/** The link at the foot of a message. Its token is all that it needs; a mail program's own button posts to it (RFC 8058). */
@Controller('unsubscribe')
export class UnsubscribeController {
  constructor(
    private readonly kernel: Kernel,
    private readonly consents: Consents,
  ) {}

  @Get(':token')
  ask(@Param('token') token: string, @Headers('accept-language') languages: string, @Res() reply: FastifyReply) {
    return this.#answer(token, languages, reply, askingPage);
  }

  @Post(':token')
  @HttpCode(200)
  withdraw(@Param('token') token: string, @Headers('accept-language') languages: string, @Res() reply: FastifyReply) {
    return this.#answer(token, languages, reply, donePage, (what) => this.#withdraw(what));
  }

  async #answer(
    token: string,
    languages: string | undefined,
    reply: FastifyReply,
    page: typeof askingPage,
    act: (what: Unsubscription) => Promise<void> = () => Promise.resolve(),
  ): Promise<FastifyReply> {
    const html = (status: number, text: string) =>
      reply
        .code(status)
        .headers({ 'content-type': 'text/html; charset=utf-8', 'content-security-policy': policy })
        .send(text);
    const language = languageOf(languages);
    const what = unsubscriptionOf(this.kernel.secrets, token);
    if (!what) return html(404, unknownPage(language));
    await act(what);
    const purpose = (await this.consents.purposes()).find(({ key }) => key === what.purpose);
    return html(200, page(language, purpose?.label ?? { zh: what.purpose, en: what.purpose }, what.channel));
  }

  async #withdraw(what: Unsubscription): Promise<void> {
    try {
      await runInContext(systemContext('unsubscribe-link'), () =>
        this.consents.execute({ type: 'WithdrawConsent', ...what, how: 'link' }, what),
      );
    } catch (error) {
      // Who was erased gets no message any more.
      if (!(error instanceof Refusal && error.code === 'customer-erased')) throw error;
    }
  }
}
