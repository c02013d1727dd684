import { Controller, Get, HttpCode, Post } from '@nestjs/common';
import { idOfNew } from '@throughline/event-sourcing';
import { Answers, Jobs, jobStates, type Job } from '@throughline/service';
import { Verification, VerificationState } from './rules.dto.ts';
import { nothingFound, verifying } from './verify-customers.job.ts';

/** The verification of all customers, as a whole; what is wrong with one stands in its care. */
@Controller('rules/customers/verification')
@Answers(VerificationState)
export class VerificationController {
  constructor(private readonly jobs: Jobs) {}

  /** How far the one that is under way is, and what the last one found. */
  @Get()
  async read() {
    const [running, last] = await Promise.all([
      this.jobs.newest(verifying, jobStates.underWay),
      this.jobs.newest(verifying, jobStates.ended),
    ]);
    return { running: running ? shown(running) : null, last: last ? shown(last) : null };
  }

  /** Begins now, in the background. One that is under way is not doubled, it is the answer. */
  @Post()
  @HttpCode(202)
  @Answers(Verification)
  async start() {
    return shown(await this.jobs.startUnlessUnderWay(verifying, idOfNew('verification'), null));
  }
}

const shown = ({ counts, ...job }: Job) => ({ ...job, counts: { ...nothingFound, ...counts } });
