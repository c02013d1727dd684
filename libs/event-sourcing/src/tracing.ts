import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
  type Attributes,
  type Span,
  type SpanContext,
} from '@opentelemetry/api';
import type { EventMeta, Recorded } from '@throughline/contracts';

export { SpanKind, type Span };

export type TraceOptions = {
  /** W3C `traceparent` of what caused it; without one a trace begins. */
  parent?: string | undefined;
  kind?: SpanKind;
  /** Never anything personal, and no ids of streams. */
  attributes?: Attributes;
};

const pattern = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

function spanContextOf(traceparent: string): SpanContext | undefined {
  const [, traceId, spanId, flags] = pattern.exec(traceparent) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  const context = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
  return trace.isSpanContextValid(context) ? context : undefined;
}

/** Where tracing is off, the API answers with a span that stands for its parent: a trace passes through as it came. */
export function startSpan(
  name: string,
  { parent, kind = SpanKind.INTERNAL, attributes = {} }: TraceOptions,
  links: readonly SpanContext[] = [],
): Span {
  const remote = parent === undefined ? undefined : spanContextOf(parent);
  const context = remote ? trace.setSpanContext(ROOT_CONTEXT, remote) : ROOT_CONTEXT;
  const linked = links.map((link) => ({ context: link }));
  return trace.getTracer('throughline').startSpan(name, { kind, attributes, links: linked }, context);
}

/** Undefined where tracing is off and nobody had begun a trace. */
export function traceparentOf(span: Span): string | undefined {
  const context = span.spanContext();
  if (!trace.isSpanContextValid(context)) return undefined;
  return `00-${context.traceId}-${context.spanId}-${context.traceFlags.toString(16).padStart(2, '0')}`;
}

/** Says of an error what kind it is; its message may quote what was sent. */
function fail(span: Span, error: unknown): void {
  const { code, constructor } = Object(error) as { code?: unknown; constructor: { name: string } };
  span.setAttribute('error.type', typeof code === 'string' ? code : constructor.name);
  span.setStatus({ code: SpanStatusCode.ERROR });
}

/** Runs `work` as a span, and tells it the `traceparent` to hand on. */
export async function traced<T>(
  name: string,
  options: TraceOptions,
  work: (traceparent: string | undefined) => Promise<T>,
): Promise<T> {
  const span = startSpan(name, options);
  try {
    return await work(traceparentOf(span) ?? options.parent);
  } catch (error) {
    fail(span, error);
    throw error;
  } finally {
    span.end();
  }
}

/** An event as far as its trace goes. */
export type Traceable = Pick<Recorded, 'type' | 'recordedAt'> & { meta: Pick<EventMeta, 'traceparent'> };

export type BatchTraceOptions = Omit<TraceOptions, 'parent'> & {
  /** Name of the span in the trace of an event. */
  name: (type: string) => string;
  /** Name of a span of the batch itself, which links to all the traces; left out where they suffice. */
  batch?: string;
  /** Whether the work has to do with events of a type; with all unless given. */
  handles?: (type: string) => boolean;
};

/** Traces that one batch is followed into; the rest of it goes untold. */
const mostTraces = 100;
/** A view that is folded anew is no part of the requests of back then. */
const longestMilliseconds = 3_600_000;

/**
 * Runs `work` over a batch as a span in each of the traces that its events came from. Events of one append share a span.
 */
export async function tracedBatch<T>(
  { name, batch, kind = SpanKind.INTERNAL, attributes = {}, handles = () => true }: BatchTraceOptions,
  events: readonly Traceable[],
  work: () => Promise<T>,
): Promise<T> {
  const since = new Date(Date.now() - longestMilliseconds).toISOString();
  const firsts = new Map<string, string>();
  for (const { type, recordedAt, meta } of events) {
    const { traceparent } = meta;
    if (traceparent === undefined || recordedAt < since || firsts.size === mostTraces) continue;
    if (isSampled(traceparent) && handles(type) && !firsts.has(traceparent)) firsts.set(traceparent, type);
  }
  if (firsts.size === 0) return work();
  const spans: Span[] = [];
  if (batch !== undefined) {
    const links = [...firsts.keys()].flatMap((traceparent) => spanContextOf(traceparent) ?? []);
    spans.push(
      startSpan(batch, { kind, attributes: { ...attributes, 'messaging.batch.message_count': events.length } }, links),
    );
  }
  const link = spans.map((span) => span.spanContext());
  for (const [parent, type] of firsts) spans.push(startSpan(name(type), { parent, kind, attributes }, link));
  try {
    return await work();
  } catch (error) {
    for (const span of spans) fail(span, error);
    throw error;
  } finally {
    for (const span of spans) span.end();
  }
}

/** By the last bit of its flags, without taking it apart. */
const isSampled = (traceparent: string): boolean =>
  (Number.parseInt(traceparent.slice(-1), 16) & TraceFlags.SAMPLED) === 1;
