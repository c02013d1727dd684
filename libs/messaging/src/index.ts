export * from './kafka-client.ts';
export * from './open-kafka.ts';
export * from './fetch-watch.ts';
export * from './wire.ts';
export * from './relay.ts';
export * from './history.ts';
export * from './kafka-feed.ts';
