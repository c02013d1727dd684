export * from './event.ts';
export * from './money.ts';
export * from './customers.ts';
export * from './interactions.ts';
export * from './sales.ts';
export * from './records.ts';
export * from './gateway.ts';
export * from './topics.ts';
