import { v5, v7 } from 'uuid';

/** A fresh id for what people and machines enter here: sorts by time. */
export const newId = (): string => v7();

/**
 * The id of the record that an outside source's object is, computable by anybody who names the object.
 *
 * @param connectionId uuid of the connection it came through
 * @param externalId the source's own key; for a personal key (an e-mail) pass its HMAC
 */
export const recordId = (connectionId: string, externalId: string): string => v5(externalId, connectionId);

const derived = '5b1f1f4e-53a7-5d0f-9c39-4a5a3f0d7d11';
/** A deterministic id from parts, for commands that a policy derives from an event. */
export const derivedId = (...parts: (string | number)[]): string => v5(parts.join('\u0000'), derived);
