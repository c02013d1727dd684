import type { FastifyRequest } from 'fastify';
import type { ServiceConfig } from './config.ts';

/**
 * Where the gateway is reached from outside: as configured, else as the caller asked it. For services behind it alone, as the
 * gateway says so in `X-Forwarded-Proto` and `X-Forwarded-Host`.
 */
export function gatewayUrl({ publicUrl }: ServiceConfig, { headers, protocol, host }: FastifyRequest): string {
  const { 'x-forwarded-proto': proto = protocol, 'x-forwarded-host': asked = host } = headers;
  return publicUrl ?? `${String(proto)}://${String(asked)}`;
}
