import type { FastifyRequest } from 'fastify';
import type { ServiceConfig } from './config.ts';

/** Where the gateway is reached from outside, for itself: as configured, else as the caller asked it. */
export const ownUrl = ({ publicUrl }: ServiceConfig, { protocol, host }: { protocol: string; host: string }): string =>
  publicUrl ?? `${protocol}://${host}`;

/** The same for services behind it alone, as the gateway says so in `X-Forwarded-Proto` and `X-Forwarded-Host`. */
export function gatewayUrl(config: ServiceConfig, { headers, protocol, host }: FastifyRequest): string {
  const { 'x-forwarded-proto': proto = protocol, 'x-forwarded-host': asked = host } = headers;
  return ownUrl(config, { protocol: String(proto), host: String(asked) });
}
