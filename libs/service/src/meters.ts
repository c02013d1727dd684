import { metrics } from '@opentelemetry/api';
import type { ServiceName } from '@throughline/contracts';

const milliseconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const counts = [1, 2, 4, 8, 16, 32, 64];

type Labels = Record<string, string>;

export type Meters = {
  /** Seconds from a request to the end of its answer; `route` is the template, never the path. */
  request: (seconds: number, labels: { method: string; route: string; status: string }) => void;
  /** Seconds that an append took, with its wait for the statement before. */
  append: (seconds: number) => void;
  statement: (appends: number) => void;
  /** Seconds until the views had passed what a query asked for, or until it was answered without. */
  fence: (seconds: number, passed: boolean) => void;
};

/** What a service measures as it goes: no-ops of the API unless `startTelemetry` was asked for metrics. */
export function metersOf(service: ServiceName): Meters {
  const meter = metrics.getMeter('throughline');
  const histogram = (name: string, description: string, explicitBucketBoundaries: number[]) => {
    const instrument = meter.createHistogram(name, { description, advice: { explicitBucketBoundaries } });
    return (value: number, labels: Labels = {}) => instrument.record(value, { service, ...labels });
  };
  const stale = meter.createCounter('throughline_fence_stale_total', {
    description: 'Answers given before the views had passed what was asked for',
  });
  stale.add(0, { service });
  const fence = histogram(
    'throughline_fence_wait_seconds',
    'Waits of queries for views to pass a position',
    milliseconds,
  );
  return {
    request: histogram('throughline_http_request_duration_seconds', 'HTTP requests', milliseconds),
    append: histogram('throughline_append_duration_seconds', 'Appends, as their callers wait for them', milliseconds),
    statement: histogram('throughline_appends_per_statement', 'Appends that travelled in one statement', counts),
    fence: (seconds, passed) => {
      fence(seconds);
      if (!passed) stale.add(1, { service });
    },
  };
}
