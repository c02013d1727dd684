import { SamplingDecision, TraceFlags, metrics, trace } from '@opentelemetry/api';
import { setGlobalErrorHandler } from '@opentelemetry/core';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { AggregationTemporality, InstrumentType, MeterProvider } from '@opentelemetry/sdk-metrics';
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
  type Sampler,
} from '@opentelemetry/sdk-trace';
import { ATTR_SERVICE_NAME } from '@opentelemetry/semantic-conventions';
import { errorForLog } from '@throughline/event-sourcing';
import type { ServiceConfig } from './config.ts';
import type { Log } from './log.ts';

export type Telemetry = { stop: () => Promise<void> };

/** What a collector that does not answer may take from the end of a process. */
const lastExportMilliseconds = 2_000;
const complainMilliseconds = 60_000;

/**
 * Sets up OpenTelemetry for the whole process, before any service starts in it: traces go out where an OTLP endpoint is
 * configured, `GET /metrics` answers where a port is. What is not configured stays the API's no-op.
 *
 * @param name what the process is called in traces
 * @throws Error where the port for metrics is taken
 */
export async function startTelemetry(config: ServiceConfig, name: string, log: Log): Promise<Telemetry> {
  const url = tracesUrl(config);
  const tracing = url === undefined ? undefined : startTracing(url, config.tracesSample, name, log);
  const metering = config.metricsPort === undefined ? undefined : await startMetrics(config.metricsPort, config.host);
  return { stop: async () => void (await Promise.all([tracing?.stop(), metering?.stop()])) };
}

/** As OpenTelemetry defines it: the endpoint for traces is complete, the one for all signals is a base. */
function tracesUrl({ otlpTracesEndpoint, otlpEndpoint }: ServiceConfig): string | undefined {
  return otlpTracesEndpoint ?? (otlpEndpoint && `${otlpEndpoint.replace(/\/$/, '')}/v1/traces`);
}

function startTracing(url: string, sample: number, name: string, log: Log): Telemetry {
  let complainedAt = 0;
  setGlobalErrorHandler((error) => {
    if (Date.now() - complainedAt < complainMilliseconds) return;
    complainedAt = Date.now();
    log.warn('telemetry was not sent', { error: errorForLog(error).error });
  });
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ [ATTR_SERVICE_NAME]: name }),
    sampler: new ParentBasedSampler({ root: byLinks(new TraceIdRatioBasedSampler(sample)) }),
    spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter({ url }) })],
  });
  trace.setGlobalTracerProvider(provider);
  return {
    stop: async () => {
      trace.disable();
      const late = new Promise((done) => setTimeout(done, lastExportMilliseconds).unref());
      await Promise.race([provider.shutdown().catch(() => undefined), late]);
    },
  };
}

/** The span of a batch has no parent: it is recorded where one of the traces that it links to is. */
const byLinks = (otherwise: Sampler): Sampler => ({
  shouldSample: (context, traceId, name, kind, attributes, links) =>
    links.some((link) => link.context.traceFlags & TraceFlags.SAMPLED)
      ? { decision: SamplingDecision.RECORD_AND_SAMPLED }
      : otherwise.shouldSample(context, traceId, name, kind, attributes, links),
  toString: () => `ByLinks{${String(otherwise)}}`,
});

/** Tells of a gauge what was read at this scrape; cumulated, what could not be read would stand still for ever. */
class Exporter extends PrometheusExporter {
  override selectAggregationTemporality(type: InstrumentType): AggregationTemporality {
    return type === InstrumentType.OBSERVABLE_GAUGE ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE;
  }
}

async function startMetrics(port: number, host: string): Promise<Telemetry> {
  const exporter = new Exporter({
    port,
    host,
    preventServerStart: true,
    withoutScopeInfo: true,
    withoutTargetInfo: true,
  });
  const provider = new MeterProvider({ readers: [exporter] });
  await exporter.startServer();
  metrics.setGlobalMeterProvider(provider);
  return {
    stop: async () => {
      metrics.disable();
      await provider.shutdown();
    },
  };
}
