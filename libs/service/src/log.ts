import type { SubscriptionLog } from '@throughline/event-sourcing';
import type { LoggerService } from '@nestjs/common';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
const order: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/** JSON, one line an entry, never a payload. */
export class Log implements SubscriptionLog, LoggerService {
  constructor(
    private readonly service: string,
    private readonly level: LogLevel,
    private readonly write: (line: string) => void = (line) => process.stdout.write(line),
  ) {}

  debug(message: string, details?: object) {
    this.#line('debug', message, details);
  }
  info(message: string, details?: object) {
    this.#line('info', message, details);
  }
  warn(message: string, details?: object) {
    this.#line('warn', message, details);
  }
  error(message: string, details?: object) {
    this.#line('error', message, details);
  }
  /** Nest's own notices. */
  log(message: unknown) {
    this.#line('debug', String(message));
  }
  verbose(message: unknown) {
    this.#line('debug', String(message));
  }
  fatal(message: unknown) {
    this.#line('error', String(message));
  }

  #line(level: LogLevel, message: string, details?: object) {
    if (order.indexOf(level) < order.indexOf(this.level)) return;
    const entry = { time: new Date().toISOString(), level, service: this.service, message };
    this.write(`${JSON.stringify(typeof details === 'object' ? { ...entry, ...details } : entry)}\n`);
  }
}
